"""Where windows of convolutions and pools lie on an image."""

from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tflq.integer._site import Value

Pair = tuple[int, int]


def strides(options: Any) -> Pair:
    """Of height and width."""
    return int(options.strideH), int(options.strideW)


def dilations(options: Any) -> Pair:
    """Of height and width."""
    return int(options.dilationHFactor or 1), int(options.dilationWFactor or 1)


def margins(options: Any, image: Pair, window: Pair, dilation: Pair = (1, 1)) -> tuple[Pair, Pair]:
    """(before, after) of height and of width, as the file's padding has it."""
    if options.padding == schema.Padding.VALID:
        return (0, 0), (0, 0)
    pairs = []
    for size, taps, rate, stride in zip(image, window, dilation, strides(options), strict=True):
        reach = (taps - 1) * rate + 1
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        pairs.append((total // 2, total - total // 2))
    return pairs[0], pairs[1]


def padded(x: Value, around: tuple[Pair, Pair], value: float = 0.0) -> Value:
    """An image (samples, height, width, channels) with margins of `value`."""
    if around == ((0, 0), (0, 0)):
        return x
    return tf.pad(x, [(0, 0), *around, (0, 0)], constant_values=value)


def counts(options: Any, image: Pair, window: Pair) -> np.ndarray:
    """How many pixels of the image lie in each window: int32, (1, height, width, 1)."""
    along = []
    around = margins(options, image, window)
    for size, taps, stride, (before, after) in zip(
        image, window, strides(options), around, strict=True
    ):
        starts = np.arange(0, size + before + after - taps + 1, stride) - before
        along.append(np.minimum(starts + taps, size) - np.maximum(starts, 0))
    return np.outer(*along).astype(np.int32)[None, :, :, None]
