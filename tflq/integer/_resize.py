"""RESIZE_BILINEAR in XNNPACK's fixed point.

Each pixel lies between four, at shares a and b (of width and height) of 2^11:
t = (tl << 11) + (tr - tl) a; u likewise below; y = ((t << 11) + (u - t) b + 2^21) >> 22.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tflq.integer._arithmetic import whole
from tflq.integer._site import Site, Value

_BITS = 11


def resize_bilinear(site: Site, values: Sequence[Value]) -> list[Value]:
    """Between four pixels; values are (samples, 1, height, width, channels)."""
    _, height, width, _ = site.input(0).shape
    _, rows, columns, _ = site.output.shape
    left, right, across = between(site.options, width, columns)
    top, bottom, down = between(site.options, height, rows)
    x = whole(values[0])
    along = _mixed(tf.gather(x, left, axis=3), tf.gather(x, right, axis=3), across[:, None])
    sums = _mixed(
        tf.gather(along, top, axis=2), tf.gather(along, bottom, axis=2), down[:, None, None]
    )
    codes = tf.bitwise.right_shift(sums + (1 << (2 * _BITS - 1)), 2 * _BITS)
    return [tf.cast(codes, tf.float32)]


def _mixed(first: Value, second: Value, share: np.ndarray) -> Value:
    fixed = np.rint(share * np.float32(1 << _BITS)).astype(np.int32)
    return first * (1 << _BITS) + (second - first) * tf.constant(fixed)


def between(options: Any, size: int, wanted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each wanted pixel: the one before it, the one behind it, and its share of the latter."""
    one, half = np.float32(1.0), np.float32(0.5)
    less = one if options.alignCorners and wanted > 1 else np.float32(0.0)
    step = (np.float32(size) - less) / (np.float32(wanted) - less)
    at = np.arange(wanted, dtype=np.float32) * step
    if options.halfPixelCenters and not options.alignCorners:
        at = at + (half * step - half)
    at = np.clip(at, np.float32(0.0), np.float32(size - 1))
    before = at.astype(np.int32)
    return before, np.minimum(before + 1, size - 1), at - before.astype(np.float32)
