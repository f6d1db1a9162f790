"""MEAN and SUM over axes of codes, and their largest and smallest."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tflq.integer._arithmetic import centred, parted, requantize, whole
from tflq.integer._site import Site, Value


def mean(site: Site, values: Sequence[Value]) -> list[Value]:
    """Gives y = clamp(round_half_even(float32(sum(x - z_x)) * (s_x / s_y * (1 / n))) + z_y)."""
    shape = site.input(0).shape
    count = int(np.prod([shape[axis - 1] for axis in axes(site)]))
    return [_reduced(site, values[0], np.float32(1.0) / np.float32(count))]


def total(site: Site, values: Sequence[Value]) -> list[Value]:
    """As `mean`, without 1 / n."""
    return [_reduced(site, values[0], np.float32(1.0))]


def largest(site: Site, values: Sequence[Value]) -> list[Value]:
    """The largest code along axes."""
    return [parted(tf.reduce_max(values[0], axes(site)), site.output.shape)]


def smallest(site: Site, values: Sequence[Value]) -> list[Value]:
    """The smallest code along axes."""
    return [parted(tf.reduce_min(values[0], axes(site)), site.output.shape)]


def axes(site: Site) -> list[int]:
    """The axes to reduce, counted behind the samples."""
    rank = len(site.input(0).shape)
    return sorted({int(axis) % rank + 1 for axis in np.ravel(site.constant(1))})


def _reduced(site: Site, x: Value, share: np.float32) -> Value:
    sums = tf.reduce_sum(whole(centred(x, site.source)), axes(site))
    factor = site.source.one_scale / site.target.one_scale * share
    target = site.target
    codes = requantize(sums, factor, target, (target.low, target.high))
    return parted(codes, site.output.shape)
