"""SOFTMAX over the last axis, as LiteRT's own kernel for x86 computes it; XNNPACK leaves it alone.

e_i = exp(-s_x * beta * (max(x) - x_i)), from a table of 256; y = round(e_i * (1 / (sum(e) * s_y)))
+ z_y, all in float32. The kernel adds one number after another, and so is it done here. LiteRT for
64-bit ARM uses a table of uint16 instead, whose codes may differ.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tflq.integer._site import Site, Value


def softmax(site: Site, values: Sequence[Value]) -> list[Value]:
    """Shares of one."""
    table = tf.constant(exponentials(site))
    x = tf.cast(values[0], tf.int32)
    powers = tf.gather(table, tf.reduce_max(x, -1, keepdims=True) - x)
    one = np.float32(1.0)
    shares = powers * (one / (added_in_order(powers) * site.target.one_scale))
    if site.output.dtype == "uint8":
        rounded = tf.floor(shares + np.float32(0.5))
    else:
        below = tf.floor(shares)
        rounded = below + tf.cast(shares - below >= 0.5, tf.float32)
    target = site.target
    codes = rounded + float(target.one_zero)
    return [tf.clip_by_value(codes, float(target.low), float(target.high))]


def exponentials(site: Site) -> np.ndarray:
    """The kernel's table: float32, by how far a code lies below the largest."""
    factor = np.float32(-site.source.one_scale) * np.float32(site.options.beta)
    steps = np.arange(site.source.high - site.source.low + 1, dtype=np.float32)
    return np.exp((factor * steps).astype(np.float64)).astype(np.float32)


def added_in_order(x: Value) -> Value:
    """The float32 sum over the last axis, each number added to those before it; keeps the axis."""
    rank = len(x.shape)
    terms = tf.transpose(x, [rank - 1, *range(rank - 1)])
    count = x.shape[-1]
    _, sums = tf.while_loop(
        lambda i, _: i < count,
        lambda i, sums: (i + 1, sums + terms[i]),
        (tf.constant(0), tf.zeros_like(terms[0])),
    )
    return sums[..., None]
