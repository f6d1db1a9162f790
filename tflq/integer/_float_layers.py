"""Float ops with windows and weights, on values with an axis of samples in front."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tflq.integer._arithmetic import activation_bounds, aligned, merged, parted
from tflq.integer._resize import between
from tflq.integer._site import Site, Value
from tflq.integer._windows import counts, dilations, margins, padded, strides


def conv_2d(site: Site, values: Sequence[Value]) -> list[Value]:
    """CONV_2D."""
    kernel = tf.transpose(values[1][0], [1, 2, 3, 0])
    rates = dilations(site.options)
    image = _image(site, values[0], _size(kernel), rates)
    sums = tf.nn.conv2d(image, kernel, strides(site.options), "VALID", dilations=rates)
    return [_finished(site, sums, values, 2)]


def depthwise_conv_2d(site: Site, values: Sequence[Value]) -> list[Value]:
    """DEPTHWISE_CONV_2D; every stride is taken, then some left out where they differ."""
    kernel, rates, steps = values[1][0][0], dilations(site.options), strides(site.options)
    kernel = tf.reshape(kernel, [*_size(kernel), site.input(0).shape[-1], -1])
    image = _image(site, values[0], _size(kernel), rates)
    sums = tf.nn.depthwise_conv2d(image, kernel, [1, 1, 1, 1], "VALID", dilations=list(rates))
    return [_finished(site, sums[:, :: steps[0], :: steps[1]], values, 2)]


def transpose_conv(site: Site, values: Sequence[Value]) -> list[Value]:
    """TRANSPOSE_CONV."""
    kernel = tf.transpose(values[1][0], [1, 2, 0, 3])
    image = merged(values[2], site.input(2).shape)
    shape = [tf.shape(image)[0], *site.output.shape[1:]]
    padding = "SAME" if site.options.padding == schema.Padding.SAME else "VALID"
    sums = tf.nn.conv2d_transpose(image, kernel, shape, strides(site.options), padding)
    return [_finished(site, sums, values, 3)]


def fully_connected(site: Site, values: Sequence[Value]) -> list[Value]:
    """FULLY_CONNECTED with constant weights."""
    weights = values[1][0]
    rows = tf.reshape(values[0], [-1, weights.shape[-1]])
    return [_finished(site, tf.matmul(rows, weights, transpose_b=True), values, 2)]


def batch_matmul(site: Site, values: Sequence[Value]) -> list[Value]:
    """BATCH_MATMUL."""
    rank = len(site.output.shape)
    a, b = (aligned(value, site.input(i).shape, rank) for i, value in enumerate(values))
    options = site.options
    return [tf.matmul(a, b, transpose_a=bool(options.adjX), transpose_b=bool(options.adjY))]


def max_pool(site: Site, values: Sequence[Value]) -> list[Value]:
    """MAX_POOL_2D."""
    window = _window(site)
    image = _image(site, values[0], window, (1, 1), float(np.finfo(np.float32).min))
    largest = tf.nn.max_pool2d(image, window, strides(site.options), "VALID")
    return [_finished(site, largest, (), 0)]


def average_pool(site: Site, values: Sequence[Value]) -> list[Value]:
    """AVERAGE_POOL_2D: the mean of those pixels of a window that lie in the image."""
    window, shape = _window(site), site.input(0).shape
    image = _image(site, values[0], window, (1, 1))
    means = tf.nn.avg_pool2d(image, window, strides(site.options), "VALID")
    pixels = counts(site.options, (shape[1], shape[2]), window).astype(np.float32)
    return [_finished(site, means * (np.float32(np.prod(window)) / pixels), (), 0)]


def resize_bilinear(site: Site, values: Sequence[Value]) -> list[Value]:
    """RESIZE_BILINEAR."""
    _, height, width, _ = site.input(0).shape
    _, rows, columns, _ = site.output.shape
    left, right, across = between(site.options, width, columns)
    top, bottom, down = between(site.options, height, rows)
    x = values[0]
    x = _mixed(tf.gather(x, left, axis=3), tf.gather(x, right, axis=3), across[:, None])
    x = _mixed(tf.gather(x, top, axis=2), tf.gather(x, bottom, axis=2), down[:, None, None])
    return [x]


def _mixed(first: Value, second: Value, share: np.ndarray) -> Value:
    return first + (second - first) * tf.constant(share)


def _size(kernel: Value) -> tuple[int, int]:
    return int(kernel.shape[0]), int(kernel.shape[1])


def _window(site: Site) -> tuple[int, int]:
    return int(site.options.filterHeight), int(site.options.filterWidth)


def _image(
    site: Site, x: Value, window: tuple[int, int], rates: tuple[int, int], filling: float = 0.0
) -> Value:
    shape = site.input(0).shape
    around = margins(site.options, (shape[1], shape[2]), window, rates)
    return padded(merged(x, shape), around, filling)


def _finished(site: Site, sums: Value, values: Sequence[Value], bias: int) -> Value:
    if values and site.has(bias):
        sums = sums + values[bias][0]
    low, high = activation_bounds(site.options)
    return parted(tf.clip_by_value(sums, low, high), site.output.shape)
