"""MEAN and SUM over axes of codes, and their largest and smallest.

XNNPACK adds codes as they are and takes the zero points into the addend of a conversion in float32,
whose rounding error lies elsewhere than that of sums less their zero point.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tflq.integer._arithmetic import parted, whole
from tflq.integer._site import Site, Value


def mean(site: Site, values: Sequence[Value]) -> list[Value]:
    """Gives y = clamp(round_half_even(float32(sum(x)) f + (z_y - n z_x f))), f = s_x / s_y / n."""
    return [_reduced(site, values[0], np.float32(1.0) / np.float32(_count(site)))]


def total(site: Site, values: Sequence[Value]) -> list[Value]:
    """As `mean`, with f = s_x / s_y."""
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


def _count(site: Site) -> int:
    shape = site.input(0).shape
    return int(np.prod([shape[axis - 1] for axis in axes(site)]))


def _reduced(site: Site, x: Value, share: np.float32) -> Value:
    source, target = site.source, site.target
    factor = source.one_scale / target.one_scale * share
    addend = np.float32(target.one_zero) - np.float32(_count(site) * source.one_zero) * factor
    scaled = tf.cast(tf.reduce_sum(whole(x), axes(site)), tf.float32) * factor
    # By way of float64, so that no compiler fuses the product and the sum, which rounds once only.
    sums = tf.cast(tf.cast(scaled, tf.float64) + np.float64(addend), tf.float32)
    codes = tf.clip_by_value(tf.round(sums), float(target.low), float(target.high))
    return parted(codes, site.output.shape)
