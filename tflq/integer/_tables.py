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
    first = site.source
    width = first.high - first.low + 1
    at = (b - site.input(1).known.low) * width + (a - first.low)
    return [tf.gather(tf.constant(site.table), at)]


def filled(site: Site) -> np.ndarray:
    """The answers for all codes, or pairs of codes, in order."""
    codes = [_all_codes(place.known) for place in site.inputs if place is not None]
    together = 1
    if len(codes) == 2:
        together = len(codes[0])
        # The second varies slowest: it is the one that may be refused, as a divisor.
        codes = [np.tile(codes[0], len(codes[1])), np.repeat(codes[1], len(codes[0]))]
    made = _answers(site, codes, together)
    return made.astype(np.float32) if site.output.codes is not None else made


def _answers(site: Site, codes: Sequence[np.ndarray], together: int) -> np.ndarray:
    """What the runtime makes of codes; 0 where it refuses them, as it does a division by zero.

    Args:
        site: the op.
        codes: of each input.
        together: how many, one after another, are refused together.
    """
    assert site.content is not None
    rows = [code[None] for code in codes]
    try:
        return asked(site.content([row.shape for row in rows]), rows).ravel()
    except RuntimeError:
        count = len(codes[0])
        if count <= together:
            return np.zeros(count, site.output.dtype)
        halves = [slice(0, count // 2), slice(count // 2, count)]
        return np.concatenate(
            [_answers(site, [code[half] for code in codes], together) for half in halves]
        )


def _all_codes(codes: Codes) -> np.ndarray:
    return np.arange(codes.low, codes.high + 1)
