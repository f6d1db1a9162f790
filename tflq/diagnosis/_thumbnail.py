"""Small pictures of a model's inputs, for a page that must stand alone."""

import base64
import io

import numpy as np

# Longest side, in pixels.
_LARGEST = 160


def thumbnail(value: np.ndarray) -> str | None:
    """An input as a PNG in a data URI; None where it does not look like a picture.

    The smallest value becomes black and the largest white, for inputs come in any range.

    Args:
        value: one sample: height, width and one or three channels are pictures.

    Example:
        >>> thumbnail(np.eye(8)[:, :, None])[:22]
        'data:image/png;base64,'
        >>> thumbnail(np.ones(8)) is None
        True
    """
    from PIL import Image

    if value.ndim != 3 or value.shape[-1] not in (1, 3) or min(value.shape[:2]) < 4:
        return None
    real = value.astype(np.float64)
    low, high = float(real.min()), float(real.max())
    pixels = (255 * (real - low) / ((high - low) or 1.0)).round().astype(np.uint8)
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[-1] == 1 else pixels)
    picture.thumbnail((_LARGEST, _LARGEST))
    stream = io.BytesIO()
    picture.save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
