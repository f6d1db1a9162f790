"""Hard-swish, x relu6(x + 3) / 6, in the fixed point of LiteRT's kernel: 16-bit numbers."""

from typing import Any

import tensorflow as tf

Tensor = Any

_HIGH_BITS = 7
_SMALLEST, _LARGEST = -(2**15), 2**15 - 1


def hard_swish_codes(x: Tensor, source: Tensor, codes: Tensor) -> Tensor:
    """Codes of hard-swish, before they are clamped; float32.

    Args:
        x: codes of the input less their zero point, whole numbers in float32.
        source: scale and zero point of the input.
        codes: scale and zero point of the output.
    """
    fine = tf.cast(source[0], tf.float64) / 2**_HIGH_BITS
    out_factor, out_exponent = _multiplier(fine / tf.cast(codes[0], tf.float64))
    # The gate runs over +-1 in 16 bits while x + 3 runs from 0 to 6.
    gate_factor, gate_exponent = _multiplier(fine * (2**15 / 3))
    high = tf.cast(x, tf.int32) * 2**_HIGH_BITS
    scaled = _rounded_product(high, out_factor)
    gate = _shifted_left(high, tf.maximum(gate_exponent - 1, 0))
    gate = _rounded_product(gate, gate_factor)
    gate = _shifted_left(gate, tf.minimum(tf.maximum(gate_exponent, 0), 1))
    gate = _rounded_shift(gate, tf.maximum(-gate_exponent, 0))
    gate = tf.bitwise.right_shift(gate + 2**15, 1)
    product = _saturated(_truncated(gate * scaled, 15))
    return tf.cast(_rounded_shift(product, -out_exponent), tf.float32) + codes[1]


def exponent_of(number: Tensor) -> tuple[Tensor, Tensor]:
    """The exponent of a positive float64, whose mantissa is 0.5 or more, and 2 to its power."""
    exponent = tf.cast(tf.bitcast(number, tf.int64) // 2**52, tf.int32) - 1022
    return exponent, tf.pow(tf.cast(2.0, tf.float64), tf.cast(exponent, tf.float64))


def _multiplier(number: Tensor) -> tuple[Tensor, Tensor]:
    """A positive float64 number as a 16-bit factor of 2^15 and an exponent."""
    exponent, power = exponent_of(number)
    wide = tf.cast(tf.floor(number / power * 2**31 + 0.5), tf.int64)
    exponent = tf.where(wide == 2**31, exponent + 1, exponent)
    wide = tf.where(wide == 2**31, tf.cast(2**30, tf.int64), wide)
    narrow = tf.minimum((wide + 2**15) // 2**16, _LARGEST)
    return tf.cast(narrow, tf.int32), exponent


def _saturated(x: Tensor) -> Tensor:
    return tf.clip_by_value(x, _SMALLEST, _LARGEST)


def _shifted_left(x: Tensor, bits: Tensor) -> Tensor:
    # What is shifted out of 32 bits has saturated long before.
    return _saturated(_saturated(x) * tf.bitwise.left_shift(1, tf.minimum(bits, 15)))


def _rounded_product(x: Tensor, factor: Tensor) -> Tensor:
    """Twice the product's upper 16 bits, rounded half away from zero."""
    product = x * factor
    nudge = tf.where(product >= 0, 2**14, 1 - 2**14)
    return _saturated(_truncated(product + nudge, 15))


def _truncated(x: Tensor, bits: int) -> Tensor:
    """Divides by a power of two, towards zero."""
    return tf.sign(x) * tf.bitwise.right_shift(tf.abs(x), bits)


def _rounded_shift(x: Tensor, bits: Tensor) -> Tensor:
    """Divides by a power of two, halves rounded away from zero."""
    half = tf.bitwise.right_shift(tf.bitwise.left_shift(1, bits), 1)
    return tf.sign(x) * tf.bitwise.right_shift(tf.abs(x) + half, bits)
