"""MAX_POOL_2D and AVERAGE_POOL_2D; XNNPACK takes only the first on codes."""

from collections.abc import Sequence

import tensorflow as tf

from tflq.integer._arithmetic import builtin_limits, delegated_limits, merged, parted, whole
from tflq.integer._site import Site, Value
from tflq.integer._sums import depthwise_ones
from tflq.integer._windows import counts, margins, padded, strides


def max_pool(site: Site, values: Sequence[Value]) -> list[Value]:
    """The largest code in each window, clamped."""
    image, window = _image(site, values[0], site.source.low)
    largest = tf.nn.max_pool2d(image, window, strides(site.options), "VALID")
    low, high = delegated_limits(site.options, site.target)
    return [parted(tf.clip_by_value(largest, float(low), float(high)), site.output.shape)]


def average_pool(site: Site, values: Sequence[Value]) -> list[Value]:
    """The mean code of each window, rounded half away from zero, as LiteRT's own kernel does."""
    image, window = _image(site, values[0], 0)
    sums = whole(depthwise_ones(image, window, strides(site.options)))
    shape = site.input(0).shape
    pixels = tf.constant(counts(site.options, (shape[1], shape[2]), window))
    means = tf.sign(sums) * ((tf.abs(sums) + pixels // 2) // pixels)
    low, high = builtin_limits(site.options, site.target)
    codes = tf.cast(tf.clip_by_value(means, low, high), tf.float32)
    return [parted(codes, site.output.shape)]


def _image(site: Site, x: Value, filling: int) -> tuple[Value, tuple[int, int]]:
    options, shape = site.options, site.input(0).shape
    window = (int(options.filterHeight), int(options.filterWidth))
    around = margins(options, (shape[1], shape[2]), window)
    return padded(merged(x, shape), around, float(filling)), window
