"""Ops on single codes as tables that the runtime itself fills in.

Whatever an op on one code or on a pair of codes computes, by XNNPACK or by a kernel of LiteRT, it
has no more than 256 or 65536 answers. They are asked for once, of the runtime that will run the
file, and looked up ever after: exact without a formula.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tflq.integer._binary import both
from tflq.integer._one_op import asked
from tflq.integer._site import Codes, Site, Value


def unary(site: Site, values: Sequence[Value]) -> list[Value]:
    """An op on each code."""
    return [tf.gather(tf.constant(site.table), tf.cast(values[0], tf.int32) - site.source.low)]


def binary(site: Site, values: Sequence[Value]) -> list[Value]:
    """An op on pairs of codes."""
    a, b = (tf.cast(value, tf.int32) for value in both(site, values))
    second = site.input(1).known
    width = second.high - second.low + 1
    at = (a - site.source.low) * width + (b - second.low)
    return [tf.gather(tf.constant(site.table), at)]


def filled(site: Site) -> np.ndarray:
    """The answers for all codes, or pairs of codes, in order."""
    codes = [_all_codes(place.known) for place in site.inputs if place is not None]
    if len(codes) == 2:
        codes = [np.repeat(codes[0], len(codes[1])), np.tile(codes[1], len(codes[0]))]
    assert site.content is not None
    rows = [code[None] for code in codes]
    made = asked(site.content([row.shape for row in rows]), rows).ravel()
    return made.astype(np.float32) if site.output.codes is not None else made


def _all_codes(codes: Codes) -> np.ndarray:
    return np.arange(codes.low, codes.high + 1)
