"""The fixed-point arithmetic of LiteRT's own kernels, which factors of sums go through."""

from typing import TypeAlias

import numpy as np
import tensorflow as tf

from tflq.integer._site import Codes, Value

HalfUp: TypeAlias = bool | np.ndarray
_ONE = 1 << 31


def fixed_point(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers of 31 bits and shifts: factor = multiplier / 2^31 * 2^shift."""
    share, shift = np.frexp(np.asarray(factors, np.float64))
    multiplier = np.floor(share * _ONE + 0.5).astype(np.int64)
    full = multiplier == _ONE
    multiplier, shift = np.where(full, multiplier // 2, multiplier), shift + full
    tiny = shift < -31
    return np.where(tiny, 0, multiplier), np.where(tiny, 0, shift).astype(np.int64)


def scaled(sums: Value, factors: np.ndarray, *, half_up: HalfUp = False) -> Value:
    """Sums times factors, rounded twice: half up at 31 bits, then at the shift.

    Args:
        sums: int32.
        factors: float64, one or one a channel of the last axis.
        half_up: how halves are rounded at the shift: up, else away from zero; may be one a
            channel.

    Returns:
        int64.
    """
    multiplier, shift = fixed_point(factors)
    # The kernels shift in 32 bits, where the sums of a layer with a tiny output scale wrap.
    shifted = tf.bitwise.left_shift(sums, tf.constant(np.maximum(shift, 0).astype(np.int32)))
    product = tf.cast(shifted, tf.int64) * tf.constant(multiplier)
    high = tf.bitwise.right_shift(product + _ONE // 2, tf.constant(31, tf.int64))
    right = np.maximum(-shift, 0)
    half = (np.int64(1) << right) >> 1
    up = tf.bitwise.right_shift(high + half, tf.constant(right))
    away = tf.sign(high) * tf.bitwise.right_shift(tf.abs(high) + half, tf.constant(right))
    return tf.where(half_up, up, away)


def finished(
    sums: Value,
    factors: np.ndarray,
    target: Codes,
    limits: tuple[int, int],
    *,
    half_up: HalfUp = False,
) -> Value:
    """Codes of int32 sums."""
    codes = scaled(sums, factors, half_up=half_up) + target.one_zero
    return tf.cast(tf.clip_by_value(codes, *limits), tf.float32)
