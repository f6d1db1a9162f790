"""Flags that say where samples come from and how pictures are prepared."""

import sys
from pathlib import Path

from absl import flags

from tflq._errors import UserError
from tflq._limits import PICTURE_PIXELS
from tflq.data import PRESETS, DataPath, ImageOptions


def add_data_flags(values: flags.FlagValues) -> None:
    """Defines `--data` and the flags for pictures."""
    flags.DEFINE_string(
        "data",
        None,
        "representative samples: a folder of images, a .npy or .npz, a TFRecord (or a glob of "
        "them), or module:function, your own Python, which is imported and called",
        flag_values=values,
    )
    flags.DEFINE_string(
        "image_size",
        None,
        "size of the pictures: N or HxW; default: the model's",
        flag_values=values,
    )
    flags.DEFINE_float(
        "crop", None, "share of the shorter side that a central crop keeps", flag_values=values
    )
    flags.DEFINE_list("mean", None, "subtracted: one value or three", flag_values=values)
    flags.DEFINE_list("scale", None, "then divided by: one value or three", flag_values=values)
    flags.DEFINE_integer(
        "max_pixels",
        None,
        "of larger pictures, JPEGs are decoded at a fraction of their size, others are refused; "
        f"default {PICTURE_PIXELS}",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_enum(
        "preset", None, list(PRESETS), "preparation of a known family", flag_values=values
    )


def data_path(spec: str | None, values: flags.FlagValues) -> DataPath | None:
    """The data that the flags mean; None without `--data`.

    Raises:
        UserError: a flag's value is malformed.
    """
    if spec is None:
        return None
    if Path(spec).is_dir() and values.preset is values.mean is values.scale is None:
        print(
            "tflq: pictures are given to the model as raw pixels, 0..255; if it expects anything "
            f"else, say so with --preset ({', '.join(PRESETS)}) or --mean and --scale.",
            file=sys.stderr,
        )
    options = ImageOptions(
        image_size=_size(values.image_size),
        crop=values.crop,
        mean=_numbers("--mean", values.mean),
        scale=_numbers("--scale", values.scale),
        preset=values.preset,
        max_pixels=values.max_pixels or PICTURE_PIXELS,
    )
    return DataPath(spec=spec, images=options)


def data_flags(values: flags.FlagValues) -> list[str]:
    """What was given of these flags, to be given again."""
    names = ("data", "image_size", "crop", "mean", "scale", "preset", "max_pixels")
    given = {name: values[name].value for name in names if values[name].value is not None}
    return [
        f"--{name}={','.join(value) if isinstance(value, list) else value}"
        for name, value in given.items()
    ]


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise UserError(f"--image_size={text!r} is no size; give N or HxW, such as 224 or 192x256.")
    return int(parts[0]), int(parts[-1])


def _numbers(flag: str, texts: list[str] | None) -> tuple[float, ...] | None:
    if texts is None:
        return None
    try:
        numbers = tuple(float(text) for text in texts)
    except ValueError:
        raise UserError(f"{flag}={','.join(texts)!r} holds no number; give one or three.") from None
    if len(numbers) not in (1, 3):
        raise UserError(f"{flag} takes one value or three, {len(numbers)} came.")
    return numbers
