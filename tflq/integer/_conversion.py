"""QUANTIZE and DEQUANTIZE at the borders of float32; CAST."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tflq.integer._site import Codes, Site, Value


def encoded(x: Value, target: Codes) -> Value:
    """XNNPACK's QUANTIZE: clamp(round_half_even(x * (1 / s_y)) + z_y)."""
    steps = tf.round(tf.cast(x, tf.float32) * (np.float32(1.0) / target.one_scale))
    # Zero is a whole code, so that saturation cannot move what is in range.
    codes = tf.clip_by_value(
        steps, *(float(n - target.one_zero) for n in (target.low, target.high))
    )
    return codes + float(target.one_zero)


def decoded(x: Value, source: Codes) -> Value:
    """DEQUANTIZE: (x - z_x) * s_x."""
    scale, zero = source.scale, source.zero.astype(np.float32)
    if len(scale) > 1:
        shape = [1] * len(x.shape)
        shape[source.axis + 1] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return (tf.cast(x, tf.float32) - zero) * scale


def quantize(site: Site, values: Sequence[Value]) -> list[Value]:
    """From float32; LiteRT's own kernel, which makes codes of 16 bits, computes alike."""
    return [encoded(values[0], site.target)]


def dequantize(site: Site, values: Sequence[Value]) -> list[Value]:
    """To float32, from codes or float16."""
    if site.input(0).codes is None:
        return [tf.cast(values[0], tf.float32)]
    return [decoded(values[0], site.source)]


def at_the_door(x: Value, target: Codes) -> Value:
    """Codes of the numbers a caller gives: clamp(round_half_even(x / s) + z)."""
    # Pixels often lie on halves. Compilers make a product of a division by a constant, which falls
    # beside them in float32; in float64 it comes back to the quotient.
    quotient = tf.cast(x, tf.float64) / np.float64(target.one_scale)
    steps = tf.round(tf.cast(quotient, tf.float32))
    codes = steps + float(target.one_zero)
    return tf.clip_by_value(codes, float(target.low), float(target.high))
