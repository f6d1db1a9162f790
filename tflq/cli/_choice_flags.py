"""Flags that say how a model is to be quantized."""

from collections.abc import Sequence

from absl import flags

from tflq._choices import Choices
from tflq._errors import UserError
from tflq._methods import BIAS_CORRECTIONS, RECIPES, ROUNDING_NAMES
from tflq.ranges import WEIGHT_METHODS, calibrators
from tflq.scheme import schemes
from tflq.tflite_side import IO_TYPES, Io


def add_choice_flags(values: flags.FlagValues) -> None:
    """Defines a flag for each of `Choices`."""
    flags.DEFINE_enum("scheme", "w8a8", schemes(), "what to quantize to", flag_values=values)
    flags.DEFINE_enum(
        "calibrator", "mse", calibrators(), "how activation ranges are chosen", flag_values=values
    )
    flags.DEFINE_multi_string(
        "calibrator_for",
        [],
        "a calibrator for single layers, as NAME_OR_PATTERN=CALIBRATOR; may be given again",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "weight_calibrator",
        "output_mse",
        list(WEIGHT_METHODS),
        "how weight ranges are chosen",
        flag_values=values,
    )
    flags.DEFINE_multi_string(
        "scheme_for",
        [],
        "a scheme for single layers, as NAME_OR_PATTERN=SCHEME; float32 leaves a layer out; may be "
        "given again",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "recipe",
        None,
        list(RECIPES),
        "a shorthand in place of the next four; best drops steps that make the result worse",
        flag_values=values,
    )
    flags.DEFINE_bool("equalize", None, "cross-layer equalization", flag_values=values)
    flags.DEFINE_bool("absorb_bias", None, "high-bias absorption", flag_values=values)
    flags.DEFINE_enum(
        "bias_correction",
        None,
        BIAS_CORRECTIONS,
        "takes out of biases what rounded weights add: on the data, or by batch normalization",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "rounding",
        None,
        ROUNDING_NAMES,
        "how weights are rounded; default nearest",
        flag_values=values,
    )
    flags.DEFINE_list(
        "input_range",
        ["-1", "1"],
        "smallest and largest value of the inputs, where there is no data",
        flag_values=values,
    )
    add_io_flag(values)
    flags.DEFINE_bool(
        "split_outputs",
        False,
        "hand out what outputs join at their end one by one, each with a scale of its own",
        flag_values=values,
    )
    add_signature_flag(values)


def add_io_flag(values: flags.FlagValues) -> None:
    """Defines `--io`."""
    flags.DEFINE_multi_string(
        "io",
        [],
        f"dtype of inputs and outputs ({', '.join(IO_TYPES)}), or as input=DTYPE,output=DTYPE or "
        "NAME=DTYPE; default: the scheme's",
        flag_values=values,
    )


def add_signature_flag(values: flags.FlagValues) -> None:
    """Defines `--signature`."""
    flags.DEFINE_string(
        "signature",
        None,
        "which signature of a .tflite or SavedModel that has several",
        flag_values=values,
    )


def add_model_flags(values: flags.FlagValues) -> None:
    """Defines the flags that say how the model is opened and what it is judged with."""
    flags.DEFINE_string(
        "verify_data",
        None,
        "samples to judge with, as for --data; default: every tenth of --data is held out",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "batch_size",
        1,
        "the file's batch where the model leaves it open; 0 leaves it open",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_bool(
        "safe_mode",
        True,
        "refuse model files that carry code (Lambda layers, ops that touch files or Python)",
        flag_values=values,
    )


def choices(values: flags.FlagValues) -> Choices:
    """What the flags choose.

    Raises:
        UserError: a flag's value is malformed.
    """
    return {
        "scheme": values.scheme,
        "scheme_for": _pairs(values, "scheme_for", "SCHEME"),
        "calibrator": values.calibrator,
        "calibrator_for": _pairs(values, "calibrator_for", "CALIBRATOR"),
        "weight_calibrator": values.weight_calibrator,
        "equalize": values.equalize,
        "absorb_bias": values.absorb_bias,
        "bias_correction": values.bias_correction,
        "rounding": values.rounding,
        "recipe": values.recipe,
        "input_range": _range(values.input_range),
        "io": io_of(values),
        "split_outputs": values.split_outputs,
        "signature": values.signature,
    }


def io_of(values: flags.FlagValues) -> Io | None:
    """What `--io` chooses.

    Raises:
        UserError: it is malformed.
    """
    texts = [part for text in values.io for part in text.split(",")]
    if len(texts) == 1 and "=" not in texts[0]:
        return str(texts[0])
    return _split(texts, "io", "DTYPE") or None


def _pairs(values: flags.FlagValues, flag: str, value: str) -> dict[str, str]:
    return _split(values[flag].value, flag, value)


def _split(texts: Sequence[str], flag: str, value: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, chosen = text.rpartition("=")
        if not (name and equals and chosen):
            raise UserError(f"--{flag}={text!r} is malformed; write NAME={value}.")
        pairs[name] = chosen
    return pairs


def _range(texts: list[str]) -> tuple[float, float]:
    try:
        low, high = map(float, texts)
    except ValueError as error:
        raise UserError(
            f"--input_range={','.join(texts)} is malformed; write LOW,HIGH, such as -1,1."
        ) from error
    return low, high
