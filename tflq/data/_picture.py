"""From an encoded picture to a model's input: decode, crop, resize, normalize."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tflq._errors import UserError
from tflq._limits import PICTURE_PIXELS
from tflq.data._decode import decode

RESAMPLE = ("nearest", "bilinear", "bicubic", "lanczos")


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How pictures become arrays: `(pixel - mean) / scale`, pixels being 0..255.

    Attributes:
        image_size: height and width.
        crop: share of the shorter side (for other shapes than squares: of the largest box of
            that shape) that a central crop keeps, 0 < crop <= 1; None resizes the whole picture.
        mean: one value or three, in the order of the output's channels.
        scale: one value or three, likewise; pixels are divided by it.
        resample: one of `RESAMPLE`.
        bgr: the output's channels are blue, green, red.
        max_pixels: of a picture as it is decoded; see `decode`.

    Raises:
        UserError: a value is out of range.
    """

    image_size: tuple[int, int]
    crop: float | None
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    resample: str
    bgr: bool
    max_pixels: int = PICTURE_PIXELS

    def __post_init__(self) -> None:
        if len(self.image_size) != 2 or min(self.image_size) < 1:
            raise UserError(
                f"image_size={self.image_size} is no size; give (height, width) in pixels."
            )
        if self.crop is not None and not 0 < self.crop <= 1:
            raise UserError(f"crop={self.crop} is no share; give 0 < crop <= 1, such as 0.875.")
        if self.resample not in RESAMPLE:
            raise UserError(
                f"resample={self.resample!r} is unknown; choose one of: {', '.join(RESAMPLE)}."
            )
        if self.max_pixels < 1:
            raise UserError(f"max_pixels={self.max_pixels} lets no picture in; give 1 or more.")
        for name, values in (("mean", self.mean), ("scale", self.scale)):
            if len(values) not in (1, 3) or not all(map(math.isfinite, values)):
                raise UserError(f"{name}={values} must be one finite number or three.")
        if 0 in self.scale:
            raise UserError(f"scale={self.scale} divides by zero; give 1 to leave pixels alone.")

    def __call__(self, source: Path | bytes, where: str) -> np.ndarray:
        """Prepares one picture.

        Args:
            source: a file or its content.
            where: how messages call it.

        Returns:
            float32, shape (height, width, 3).

        Raises:
            UserError: it is damaged, too large or no picture.
        """
        # Pillow's decoders raise a dozen types for damaged files, some of them their own.
        try:
            pixels = self._pixels(source, where)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"{where} cannot be read as a picture ({_reason(error)}); replace or remove it."
            ) from error
        if self.bgr:
            pixels = pixels[..., ::-1]
        mean, scale = (np.asarray(v, np.float32) for v in (self.mean, self.scale))
        return np.ascontiguousarray((pixels.astype(np.float32) - mean) / scale)

    def _pixels(self, source: Path | bytes, where: str) -> np.ndarray:
        from PIL import Image

        image = decode(source, max_pixels=self.max_pixels, where=where)
        height, width = self.image_size
        if self.crop is not None:
            image = image.crop(_central(image.height, image.width, self.image_size, self.crop))
        resized = image.resize((width, height), Image.Resampling[self.resample.upper()])
        return np.asarray(resized)


def _central(
    height: int, width: int, size: tuple[int, int], share: float
) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of the crop, in whole pixels."""
    unit = share * min(height / size[0], width / size[1])
    rows, columns = max(1, int(unit * size[0])), max(1, int(unit * size[1]))
    # Offsets are rounded up, as in EfficientNet's preprocessing.
    top, left = (height - rows + 1) // 2, (width - columns + 1) // 2
    return left, top, left + columns, top + rows


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    # Pillow's own message shows the address of a buffer.
    unknown = type(error).__name__ == "UnidentifiedImageError"
    return "its format is unknown" if unknown or not text else text[0]
