"""BATCH_MATMUL of two tensors of codes.

XNNPACK takes it where the second has zero point 0; otherwise LiteRT's own kernel runs.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tflq.integer._arithmetic import aligned, centred, requantize
from tflq.integer._convolution import reach
from tflq.integer._fixed_point import finished
from tflq.integer._site import Site, Value


def batch_matmul_delegated(site: Site, values: Sequence[Value]) -> list[Value]:
    """The sums are requantized as those of CONV_2D."""
    factor = site.source.one_scale * site.input(1).known.scale / site.target.one_scale
    target = site.target
    return [requantize(_sums(site, values), factor, target, (target.low, target.high))]


def batch_matmul_builtin(site: Site, values: Sequence[Value]) -> list[Value]:
    """The sums go through a fixed-point multiplier."""
    product = np.float64(site.source.one_scale * site.input(1).known.one_scale)
    factor = product / np.float64(site.target.one_scale)
    target = site.target
    return [finished(_sums(site, values), factor, target, (target.low, target.high))]


def _sums(site: Site, values: Sequence[Value]) -> Value:
    """The int32 products, in blocks whose sums float32 holds exactly."""
    rank = len(site.output.shape)
    a, b = (
        centred(aligned(value, site.input(i).shape, rank), site.input(i).known)
        for i, value in enumerate(values)
    )
    options = site.options
    a = tf.linalg.matrix_transpose(a) if options.adjX else a
    b = tf.linalg.matrix_transpose(b) if options.adjY else b
    block = 2**24 // (reach(site.source) * reach(site.input(1).known))
    total = None
    for start in range(0, a.shape[-1], block):
        end = start + block
        part = tf.cast(tf.round(tf.matmul(a[..., start:end], b[..., start:end, :])), tf.int32)
        total = part if total is None else total + part
    return total
