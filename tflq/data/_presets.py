"""How the pictures of well-known families of networks are prepared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tflq._errors import UserError
from tflq._limits import PICTURE_PIXELS
from tflq.data._picture import Preparation
from tflq.data._spec import InputSpec


@dataclass(frozen=True, kw_only=True)
class ImagePreset:
    """One convention: `(pixel - mean) / scale`, pixels being 0..255.

    Attributes:
        mean: one value or three, in the order of the output's channels.
        scale: one value or three, likewise.
        crop_margin: m, where a central crop keeps the share S/(S+m) of the shorter side for
            pictures of size S; None resizes the whole picture.
        resample: interpolation of the resizing.
        bgr: channels are blue, green, red.
    """

    mean: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    crop_margin: int | None = None
    resample: str = "bilinear"
    bgr: bool = False

    def crop(self, image_size: tuple[int, int]) -> float | None:
        """The share that the central crop keeps for a size in pixels; None without a crop.

        Example:
            >>> PRESETS["efficientnet-lite"].crop((224, 224))
            0.875
        """
        if self.crop_margin is None:
            return None
        return min(image_size) / (min(image_size) + self.crop_margin)


#: - "efficientnet-lite": -1..1, bicubic central crop.
#: - "tf": -1..1; MobileNet, Inception, Xception, NASNet and ResNetV2 of `keras.applications`.
#: - "torch": mean and standard deviation of ImageNet; DenseNet.
#: - "caffe": BGR minus the mean of ImageNet; VGG and ResNet.
#: - "unit": 0..1.
#: - "raw": 0..255; EfficientNet, MobileNetV3 and ConvNeXt, which carry their own.
PRESETS: dict[str, ImagePreset] = {
    "efficientnet-lite": ImagePreset(
        mean=(127.0,), scale=(128.0,), crop_margin=32, resample="bicubic"
    ),
    "tf": ImagePreset(mean=(127.5,), scale=(127.5,)),
    "torch": ImagePreset(mean=(123.675, 116.28, 103.53), scale=(58.395, 57.12, 57.375)),
    "caffe": ImagePreset(mean=(103.939, 116.779, 123.68), bgr=True),
    "unit": ImagePreset(scale=(255.0,)),
    "raw": ImagePreset(),
}


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """What a user says about pictures; whatever is None comes from the preset.

    Attributes:
        image_size: N or (height, width) in pixels; None takes the model's.
        crop: share of the shorter side that a central crop keeps, 0 < crop <= 1.
        mean: subtracted: one value or three.
        scale: then divided by: one value or three.
        preset: a name in `PRESETS`; None means "raw", which leaves pixels at 0..255.
        max_pixels: of larger pictures, a JPEG is decoded at a half, quarter or eighth of its size,
            and others are refused.
    """

    image_size: int | tuple[int, int] | None = None
    crop: float | None = None
    mean: float | Sequence[float] | None = None
    scale: float | Sequence[float] | None = None
    preset: str | None = None
    max_pixels: int = PICTURE_PIXELS

    def preparation(self, spec: InputSpec) -> Preparation:
        """Settles every option for one input.

        Args:
            spec: an input of shape (batch, height, width, channels).

        Raises:
            UserError: the preset is unknown, a value is out of range, the input takes no
                pictures, or its size is open and none was given.
        """
        preset = self._preset()
        size = as_pair(self.image_size) if self.image_size is not None else _size_of(spec)
        return Preparation(
            image_size=size,
            crop=self.crop if self.crop is not None else preset.crop(size),
            mean=preset.mean if self.mean is None else as_tuple(self.mean),
            scale=preset.scale if self.scale is None else as_tuple(self.scale),
            resample=preset.resample,
            bgr=preset.bgr,
            max_pixels=self.max_pixels,
        )

    def _preset(self) -> ImagePreset:
        name = self.preset or "raw"
        if name not in PRESETS:
            raise UserError(f"preset={name!r} is unknown; choose one of: {', '.join(PRESETS)}.")
        return PRESETS[name]


def as_tuple(value: float | Sequence[float]) -> tuple[float, ...]:
    """One value or several, as a tuple."""
    return tuple(float(item) for item in np.ravel(value))


def as_pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width from one number or two."""
    return (size, size) if isinstance(size, int) else size


def _size_of(spec: InputSpec) -> tuple[int, int]:
    if spec.batched != 4:
        raise UserError(
            f"input {spec.name!r} has shape {spec.shape}, so it takes no pictures; give its "
            "samples as .npy, .npz or module:function."
        )
    height, width = spec.shape[1:3]
    if height is None or width is None:
        raise UserError(
            f"input {spec.name!r} has shape {spec.shape}, which leaves the size of pictures "
            "open; give image_size."
        )
    return height, width
