"""How values become codes in evaluation: as the file's kernels make them, bit for bit.

In training, fake quantization in float32 is close enough. In evaluation a difference of one code
grows from layer to layer, so what comes out of a convolution, a sum, a product or a mean is first
brought back to the integer that it stands for, and then converted with XNNPACK's own arithmetic
(LiteRT's for pools). Gradients are those of training.
"""

import enum
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tflq.qat._fake_quant import SMALLEST, scale_of
from tflq.qat._hard_swish import exponent_of, hard_swish_codes

Tensor = Any

# The bits of an ADD's fixed-point factors; see `tflq.integer`.
_MULTIPLIER_BITS = 20
# Means of a few codes are halves, or lie further from one than this.
_SLACK = 1e-4


class Origin(str, enum.Enum):
    """What made a value, and so which tensors tell its integer."""

    KERNEL = "kernel"
    """A convolution or dense layer: the scale of its sums, one a channel."""
    PRODUCT = "product"
    """Two tensors of codes, multiplied: the `codes` of both."""
    SUM = "sum"
    """Two tensors of codes, added: each one's values and `codes`."""
    DIFFERENCE = "difference"
    """The second taken from the first: likewise."""
    HARD_SWISH = "hard_swish"
    """Hard-swish: its input's values and `codes`."""
    MEAN = "mean"
    """A mean over the picture: the `codes` of its input."""
    RECTIFIER = "rectifier"
    """A rectifier that no kernel fuses: the `codes` of its input."""
    POOL = "pool"
    """Means over windows, in the scale of the input."""
    RESIZE = "resize"
    """Values between pixels, likewise."""


def codes_of(low: Tensor, high: Tensor, *, bits: int) -> Tensor:
    """A range as the two numbers that code it: float32 of shape (2,), scale and zero point.

    Args:
        low: smallest value, a float32 scalar, at most 0.
        high: largest value, likewise, at least 0.
        bits: 8 or 16; at 16 the zero point is 0.
    """
    if bits != 8:
        scale = scale_of(low, high, bits=bits)
        return tf.stop_gradient(tf.stack([scale, tf.zeros_like(scale)]))
    scale, zero = _asymmetric(low, high)
    # An export hands the ends on in float32, and the quantizer subtracts those.
    wide = tf.cast(scale, tf.float64)
    first, last = (
        tf.cast(wide * (end - tf.cast(zero, tf.float64)), tf.float32) for end in (-128, 127)
    )
    scale = tf.cast(tf.cast(last - first, tf.float64) / 255.0, tf.float32)
    return tf.stop_gradient(tf.stack([scale, zero]))


def _asymmetric(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    low, high = tf.cast(low, tf.float64), tf.cast(high, tf.float64)
    width = high - low
    # Halves are rounded up, as the converter does; float32 would not see them.
    share = tf.where(width > 0, -low / tf.where(width > 0, width, 1.0), 0.0)
    zero = tf.clip_by_value(tf.floor(share * 255.0 + 0.5) - 128.0, -128.0, 127.0)
    scale = tf.cast(width / 255.0, tf.float32)
    scale = tf.where(scale > SMALLEST, scale, tf.ones_like(scale))
    return scale, tf.cast(zero, tf.float32)


def integers(x: Tensor, scale: Tensor) -> Tensor:
    """The whole numbers that values are multiples of `scale` by, with a straight gradient."""

    @tf.custom_gradient
    def rounded(v: Tensor) -> Any:
        return tf.round(v), lambda upstream: upstream

    result: Tensor = rounded(x / scale)
    return result


def quantized(
    x: Tensor,
    codes: Tensor,
    *,
    bits: int,
    origin: Origin | None = None,
    operands: Sequence[Tensor] = (),
    clamp: tuple[float, float | None] | None = None,
    count: int = 1,
) -> Tensor:
    """The values that the file's codes of `x` stand for.

    Args:
        x: float32, any shape.
        codes: scale and zero point to code it with.
        bits: 8 or 16.
        origin: what made `x`.
        operands: the tensors that `origin` asks for.
        clamp: smallest and largest value that a clamp between lets through, None for no cap.
        count: values of which a mean was taken.
    """
    scale, zero = codes[0], codes[1]
    lowest, highest = (-128.0, 127.0) if bits == 8 else (-32767.0, 32767.0)
    smallest: Tensor = lowest
    largest: Tensor = highest
    if clamp is not None:
        smallest = tf.maximum(tf.round(clamp[0] / scale + zero), lowest)
        if clamp[1] is not None:
            largest = tf.minimum(tf.round(clamp[1] / scale + zero), highest)

    @tf.custom_gradient
    def coded(v: Tensor) -> Any:
        made = _code(v, codes, origin, operands, count)
        y = (tf.clip_by_value(made, smallest, largest) - zero) * scale
        inside = tf.logical_and(
            v >= (smallest - zero - 0.5) * scale, v <= (largest - zero + 0.5) * scale
        )
        return y, lambda upstream: tf.where(inside, upstream, 0.0)

    result: Tensor = coded(x)
    return result


def with_constant(origin: Origin, operands: Sequence[Tensor], constant: float) -> list[Tensor]:
    """The operands of a sum or product whose other one is a constant.

    Args:
        origin: SUM or PRODUCT.
        operands: those of the tensor, as `origin` asks for them.
        constant: a number; files store it in 8 bits, at the end of its range.
    """
    value = tf.constant(constant, tf.float32)
    scale = tf.cast(tf.cast(tf.abs(value), tf.float64) / 255.0, tf.float32)
    codes = tf.stack([tf.where(scale > SMALLEST, scale, 1.0), 0.0])
    return [*operands, codes] if origin is Origin.PRODUCT else [*operands, value, codes]


def _code(
    x: Tensor, codes: Tensor, origin: Origin | None, operands: Sequence[Tensor], count: int
) -> Tensor:
    scale, zero = codes[0], codes[1]
    if origin in (Origin.KERNEL, Origin.PRODUCT):
        unit = operands[0] if origin is Origin.KERNEL else operands[0][0] * operands[1][0]
        return tf.round(tf.round(x / unit) * _ratio(unit, scale)) + zero
    if origin in (Origin.SUM, Origin.DIFFERENCE):
        return _sum(scale, operands, sign=1 if origin is Origin.SUM else -1) + zero
    if origin is Origin.RECTIFIER:
        return _rectified(tf.round(x / operands[0][0]), operands[0][0], scale) + zero
    if origin is Origin.HARD_SWISH:
        source, source_codes = operands
        whole = tf.round(tf.cast(source, tf.float32) / source_codes[0])
        return hard_swish_codes(whole, source_codes, codes)
    if origin is Origin.MEAN:
        return _mean(x, codes, operands[0], count)
    if origin is Origin.POOL:
        mean = x / scale + zero
        return tf.sign(mean) * tf.floor(tf.abs(mean) + (0.5 + _SLACK))
    if origin is Origin.RESIZE:
        return tf.floor(x / scale + zero + (0.5 + _SLACK))
    return tf.round(_ratio(x, scale)) + zero


def _ratio(x: Tensor, scale: Tensor) -> Tensor:
    """A quotient as float32 division gives it, which compilers rewrite."""
    return tf.cast(tf.cast(x, tf.float64) / tf.cast(scale, tf.float64), tf.float32)


def _sum(scale: Tensor, operands: Sequence[Tensor], *, sign: int) -> Tensor:
    """Gives ((a m_a + b m_b + 2^(shift-1)) >> shift), m = round(s / s_y 2^shift), in int32."""
    a, a_codes, b, b_codes = operands
    ratios = _ratio(a_codes[0], scale), _ratio(b_codes[0], scale)
    exponent = tf.bitwise.right_shift(tf.bitcast(tf.maximum(*ratios), tf.int32), 23) - 127
    shift = _MULTIPLIER_BITS - exponent
    power = tf.bitcast(tf.bitwise.left_shift(shift + 127, 23), tf.float32)
    first, second = (tf.cast(tf.round(ratio * power), tf.int32) for ratio in ratios)
    a, b = (
        tf.cast(tf.round(tf.cast(x, tf.float32) / codes[0]), tf.int32)
        for x, codes in ((a, a_codes), (b, b_codes))
    )
    half = tf.bitwise.left_shift(1, shift - 1)
    return tf.cast(
        tf.bitwise.right_shift(a * first + sign * (b * second) + half, shift), tf.float32
    )


def _rectified(whole: Tensor, source: Tensor, scale: Tensor) -> Tensor:
    """Converts in LiteRT's fixed point, which rounds at the factor's mantissa and at its shift."""
    ratio = tf.cast(source, tf.float64) / tf.cast(scale, tf.float64)
    _, power = exponent_of(ratio)
    mantissa = tf.floor(ratio / power * 2**31 + 0.5) / 2**31
    exact = tf.cast(whole, tf.float64) * tf.maximum(power, 1.0) * mantissa
    return tf.cast(tf.floor(tf.floor(exact + 0.5) * tf.minimum(power, 1.0) + 0.5), tf.float32)


def _mean(x: Tensor, codes: Tensor, source: Tensor, count: int) -> Tensor:
    """Gives round(float32(sum) f + (z_y - n z_x f)), f = s_x / s_y / n, of codes as they are."""
    pixels = float(count)
    factor = _ratio(source[0], codes[0]) * (1.0 / pixels)
    total = tf.round(x * pixels / source[0]) + pixels * source[1]
    addend = codes[1] - pixels * source[1] * factor
    # By way of float64, so that no compiler fuses the product and the sum.
    exact = tf.cast(total * factor, tf.float64) + tf.cast(addend, tf.float64)
    return tf.round(tf.cast(exact, tf.float32))
