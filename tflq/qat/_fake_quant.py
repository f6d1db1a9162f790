"""Fake quantization with straight-through estimators: floats that only take quantized values.

Forward, x' = scale * (clamp(round(x / scale) + z) - z): equations (1), (2) and (20) of C. Jiang,
"Efficient Quantization Techniques for Deep Neural Networks". Backward, equation (21): rounding
passes the gradient as it is inside the range and stops it outside,

    dL/dx = dL/dx'  where low <= x <= high,  else 0

(the paper's text has the inequality turned round). Gradients of the range itself are those of PACT
(Choi et al. 2018) or of LSQ and LSQ+ (Esser et al. 2020, Bhalgat et al. 2020).
"""

from typing import Any

import tensorflow as tf

from tflq.affine import largest_bias

Tensor = Any

# Files store scales as float32; a range this narrow has scale 1, as `affine.parameters` gives it.
SMALLEST = 1e-30
# A little less than the file's writer takes, so that its bounds are these to the last digit.
_BIAS_SHARE = 1 - 1e-6


def scale_of(low: Tensor, high: Tensor, *, bits: int) -> Tensor:
    """The scale of an activation's range; equation (3) at 8 bits, (5) at 16.

    Args:
        low: smallest value, float32, at most 0.
        high: largest value, float32, at least 0.
        bits: 8 or 16.

    Returns:
        float32 of the same shape; 1 where the range holds nothing but 0.
    """
    # In float64, as files are written: the last digit of a scale decides where codes change.
    low, high = tf.cast(low, tf.float64), tf.cast(high, tf.float64)
    scale = tf.maximum(-low, high) / 32767.0 if bits == 16 else (high - low) / (2.0**bits - 1)
    scale = tf.cast(scale, tf.float32)
    return tf.where(scale > SMALLEST, scale, tf.ones_like(scale))


def weight_scale(bound: Tensor, *, bits: int) -> Tensor:
    """The scale of weights up to `bound`: equation (5); 1 where all are 0.

    Args:
        bound: largest absolute value, float32.
        bits: bits of a weight.
    """
    # In float64: graph optimizers turn a division by a constant into an inexact product.
    scale = tf.cast(tf.cast(bound, tf.float64) / (2.0 ** (bits - 1) - 1), tf.float32)
    return tf.where(scale > SMALLEST, scale, tf.ones_like(scale))


def fake_quant(x: Tensor, low: Tensor, high: Tensor, *, bits: int = 8) -> Tensor:
    """Quantizes an activation to a range, asymmetric at 8 bits and symmetric at 16.

    Args:
        x: float32, any shape.
        low: smallest value to represent, a float32 scalar, at most 0.
        high: largest value to represent, likewise, at least 0.
        bits: 8 or 16.

    Returns:
        float32 of the shape of `x`. Its gradient is equation (21); that of `low` and `high` is the
        sum of the gradients below and above the range (PACT).

    Example:
        >>> x = tf.constant([-1.0, 0.0, 0.3, 9.0])
        >>> fake_quant(x, tf.constant(-1.0), tf.constant(3.0)).numpy().round(3)
        array([-1.004,  0.   ,  0.298,  2.996], dtype=float32)
    """
    if bits == 16:
        return fake_quant_symmetric(x, tf.maximum(-low, high), bits=16)
    return tf.quantization.fake_quant_with_min_max_vars(x, low, high, num_bits=bits)


def fake_quant_learned(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """As `fake_quant` at 8 bits, with the gradients of LSQ+ for the range.

    Inside the range, with u = (x - low) / scale, a wider scale moves x' by round(u) - u codes;
    `high` gets that over 255 and `low` its negative. Both are multiplied by 255^2 / sqrt(255 n),
    n values a sample, which makes a step in `high` what LSQ's balanced step in the scale is.
    """

    @tf.custom_gradient
    def quantized(x: Tensor, low: Tensor, high: Tensor) -> Any:
        y = tf.quantization.fake_quant_with_min_max_vars(x, low, high, num_bits=8)

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            below, above = x < low, x > high
            inside = tf.logical_not(tf.logical_or(below, above))
            codes = (y - x) / scale_of(low, high, bits=8) / 255.0
            moved = tf.reduce_sum(tf.where(inside, upstream * codes, 0.0))
            size = tf.cast(tf.size(x) / tf.shape(x)[0], tf.float32)
            balance = 255.0**2 / tf.sqrt(255.0 * size)
            of_low = tf.reduce_sum(tf.where(below, upstream, 0.0)) - moved
            of_high = tf.reduce_sum(tf.where(above, upstream, 0.0)) + moved
            return tf.where(inside, upstream, 0.0), balance * of_low, balance * of_high

        return y, gradient

    result: Tensor = quantized(x, low, high)
    return result


def fake_quant_symmetric(w: Tensor, bound: Tensor, *, bits: int) -> Tensor:
    """Quantizes weights to +-bound, symmetric and restricted: equation (5).

    Args:
        w: float32, any shape.
        bound: largest absolute value to represent; float32, broadcast against `w`.
        bits: 2 to 16.

    Returns:
        float32 of the shape of `w`. The gradient of `bound` is LSQ's, unbalanced: round(v) - v
        codes inside, +-the highest code outside, over the highest code.

    Example:
        >>> w = tf.constant([-2.0, 0.1, 0.5])
        >>> fake_quant_symmetric(w, tf.constant(0.7), bits=4).numpy().round(3)
        array([-0.7,  0.1,  0.5], dtype=float32)
    """
    highest = 2.0 ** (bits - 1) - 1

    @tf.custom_gradient
    def quantized(w: Tensor, bound: Tensor) -> Any:
        scale = weight_scale(bound, bits=bits)
        y = tf.clip_by_value(tf.round(w / scale), -highest, highest) * scale

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            inside = tf.abs(w) <= bound
            error = tf.where(inside, (y - w) / scale, tf.sign(w) * highest) / highest
            return tf.where(inside, upstream, 0.0), _sum_to(upstream * error, bound)

        return y, gradient

    result: Tensor = quantized(w, bound)
    return result


def fake_quant_bias(bias: Tensor, scale: Tensor) -> Tensor:
    """Rounds a bias to multiples of `scale`, the gradient going straight through."""
    rounded = tf.round(bias / scale) * scale
    return bias + tf.stop_gradient(rounded - bias)


def bias_floor(bias: Tensor, input_scale: Tensor, *, bits: int) -> Tensor:
    """The smallest weight bound of a channel whose int32 bias does not overflow.

    Args:
        bias: float32, shape (channels,).
        input_scale: scale of the layer's input, a float32 scalar.
        bits: bits of the weights.
    """
    highest = 2.0 ** (bits - 1) - 1
    return tf.stop_gradient(
        highest * tf.abs(bias) / (input_scale * (largest_bias(bits) * _BIAS_SHARE))
    )


def _sum_to(x: Tensor, like: Tensor) -> Tensor:
    """Sums over what broadcasting stretched."""
    target, rank = like.shape, len(x.shape)
    padded = [1] * (rank - len(target)) + list(target)
    axes = [i for i, (n, m) in enumerate(zip(x.shape, padded, strict=True)) if m == 1 != n]
    return tf.reshape(tf.reduce_sum(x, axes, keepdims=True), tf.shape(like))
