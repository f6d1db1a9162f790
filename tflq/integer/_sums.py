"""Exact sums of products of codes on float32 hardware.

float32 adds whole numbers exactly, in any order, while every partial sum stays within 2^24. Where
the weights allow more, the sum is taken in slices of the inputs that each keep that bound, and the
slices are added as int32, which wraps as the kernels' own accumulators do.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tflq.integer._site import Value

_LIMIT = 2**24


def slices(weights: np.ndarray, reach: int) -> list[slice]:
    """Slices of the inputs whose sums are exact.

    Args:
        weights: whole numbers, shape (inputs, outputs).
        reach: the largest absolute value of an input.
    """
    largest = np.abs(weights.astype(np.int64)) * reach
    cuts, running = [0], np.zeros(weights.shape[1], np.int64)
    for position, row in enumerate(largest):
        running = running + row
        if running.max(initial=0) > _LIMIT:
            cuts.append(position)
            running = row
    return [slice(*pair) for pair in zip(cuts, [*cuts[1:], len(largest)], strict=True)]


def summed(parts: Sequence[slice], part: Callable[[slice], Value]) -> Value:
    """The int32 sum over slices of what `part` makes of each in float32."""
    total = None
    for piece in parts:
        # A fast convolution may leave the whole number by a rounding error.
        sums = tf.cast(tf.round(part(piece)), tf.int32)
        total = sums if total is None else total + sums
    return total


def multiplied(x: Value, weights: np.ndarray, reach: int) -> Value:
    """The int32 product x @ weights; x is (..., inputs), weights are (inputs, outputs)."""
    kernel = weights.astype(np.float32)
    return summed(
        slices(weights, reach), lambda piece: tf.matmul(x[..., piece], tf.constant(kernel[piece]))
    )


def convolved(
    x: Value, weights: np.ndarray, reach: int, *, strides: Sequence[int], dilations: Sequence[int]
) -> Value:
    """The valid convolution of an image (samples, height, width, inputs) as int32.

    Args:
        x: whole numbers in float32, padded already.
        weights: whole numbers, shape (height, width, inputs a group, outputs).
        reach: the largest absolute value in `x`.
        strides: of height and width.
        dilations: likewise.
    """
    groups = x.shape[-1] // weights.shape[2]
    if groups > 1:
        images, kernels = tf.split(x, groups, -1), np.split(weights, groups, -1)
        pieces = [
            convolved(image, kernel, reach, strides=strides, dilations=dilations)
            for image, kernel in zip(images, kernels, strict=True)
        ]
        return tf.concat(pieces, -1)
    dense = np.abs(weights.astype(np.int64)).sum(axis=(0, 1))
    kernel = weights.astype(np.float32)
    return summed(
        slices(dense, reach),
        lambda piece: tf.nn.conv2d(
            x[..., piece], tf.constant(kernel[:, :, piece]), strides, "VALID", dilations=dilations
        ),
    )


def depthwise(
    x: Value, weights: np.ndarray, *, strides: Sequence[int], dilations: Sequence[int]
) -> Value:
    """The valid depthwise convolution as int32; weights are (height, width, inputs, multiplier).

    Its sums run over the window alone, which stays below 2^24 up to 500 taps; larger windows go
    through float64.
    """
    wide = weights.shape[0] * weights.shape[1] * 255 * 128 > _LIMIT
    dtype = tf.float64 if wide else tf.float32
    x, kernel = tf.cast(x, dtype), tf.constant(weights, dtype)
    even = strides[0] == strides[1] and (strides[0] == 1 or max(dilations) == 1)
    steps = (strides[0], strides[0]) if even else (1, 1)
    sums = tf.nn.depthwise_conv2d(x, kernel, [1, *steps, 1], "VALID", dilations=list(dilations))
    if not even:
        sums = sums[:, :: strides[0], :: strides[1]]
    return tf.cast(tf.round(sums), tf.int32)


def depthwise_ones(x: Value, window: Sequence[int], strides: Sequence[int]) -> Value:
    """The sums of the codes in each window of an image; exact, as `depthwise` is."""
    ones = np.ones((*window, x.shape[-1], 1), np.int32)
    return depthwise(x, ones, strides=strides, dilations=(1, 1))
