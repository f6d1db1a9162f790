"""From an encoded picture to its pixels, within bounds."""

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflq._errors import UserError
from tflq._regular import open_regular

if TYPE_CHECKING:
    from PIL.Image import Image

# Pillow recognises files by content; formats beyond these can start other programs (EPS).
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "JPEG2000")
# What a decoder of JPEG can divide both sides by.
_REDUCTIONS = (2, 4, 8)


def decode(source: Path | bytes, *, max_pixels: int, where: str) -> "Image":
    """Decodes a picture, turned as EXIF says, to eight bits of red, green and blue.

    Args:
        source: a regular file or its content.
        max_pixels: of larger pictures, a JPEG is decoded at a half, quarter or eighth of its size;
            others are refused.
        where: how messages call it.

    Raises:
        UserError: it is too large.
        Exception: of Pillow's, it is damaged or no picture.
    """
    from PIL import Image, ImageOps

    with warnings.catch_warnings(), _room(max_pixels):
        # About odd metadata, and about size, which has a limit of its own.
        warnings.simplefilter("ignore")
        stream = open_regular(source) if isinstance(source, Path) else io.BytesIO(source)
        with stream, Image.open(stream, formats=_FORMATS) as image:
            if image.width * image.height > max_pixels:
                _reduce(image, max_pixels, where)
            ImageOps.exif_transpose(image, in_place=True)
            return _rgb(image)


@contextmanager
def _room(max_pixels: int) -> Iterator[None]:
    """Pillow has a limit of its own, which a user's larger one raises."""
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    if before is not None:
        Image.MAX_IMAGE_PIXELS = max(before, max_pixels)
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _reduce(image: Any, max_pixels: int, where: str) -> None:
    """Lets the decoder leave out what resizing would."""
    from PIL.JpegImagePlugin import JpegImageFile

    width, height = image.size
    # Of a progressive one, all coefficients are in memory at any size.
    if isinstance(image, JpegImageFile) and not image.info.get("progressive"):
        factor = next(
            (f for f in _REDUCTIONS if math.ceil(width / f) * math.ceil(height / f) <= max_pixels),
            _REDUCTIONS[-1],
        )
        image.draft(None, (max(1, width // factor), max(1, height // factor)))
    if image.width * image.height > max_pixels:
        raise UserError(
            f"{where} has {width} x {height} pixels, more than max_pixels={max_pixels} "
            "(--max_pixels); make it smaller, or allow more."
        )


def _rgb(image: "Image") -> "Image":
    """Eight bits of red, green and blue; transparency is dropped, as TensorFlow does."""
    if image.mode == "F":
        raise ValueError("its pixels are floats, save it with 8 bits")
    if image.mode.startswith("I"):
        # 16-bit grey; Pillow's own conversion would clip it to 255.
        from PIL import Image

        grey = np.clip(np.asarray(image), 0, 65535) >> 8
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    return image if image.mode == "RGB" else image.convert("RGB")
