"""ADD, SUB and MUL of two tensors of codes."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tflq.integer._arithmetic import aligned, centred, delegated_limits, requantize, whole
from tflq.integer._site import Codes, Site, Value

_MULTIPLIER_BITS = 20


def add(site: Site, values: Sequence[Value]) -> list[Value]:
    """Gives y = clamp((((a - z_a) m_a + (b - z_b) m_b + 2^(shift-1)) >> shift) + z_y)."""
    return [_weighted_sum(site, values, sign=1)]


def subtract(site: Site, values: Sequence[Value]) -> list[Value]:
    """As `add`, with -m_b."""
    return [_weighted_sum(site, values, sign=-1)]


def multiply(site: Site, values: Sequence[Value]) -> list[Value]:
    """Gives y = clamp(round_half_even((a - z_a)(b - z_b) * (s_a s_b / s_y)) + z_y)."""
    a, b = (centred(value, site.input(i).known) for i, value in enumerate(both(site, values)))
    factor = site.source.one_scale * site.input(1).known.one_scale / site.target.one_scale
    limits = delegated_limits(site.options, site.target)
    return [requantize(a * b, factor, site.target, limits)]


def both(site: Site, values: Sequence[Value]) -> tuple[Value, Value]:
    """The two inputs, shaped so that they broadcast."""
    rank = len(site.output.shape)
    a, b = (aligned(value, site.input(i).shape, rank) for i, value in enumerate(values[:2]))
    return a, b


def multipliers(a: Codes, b: Codes, target: Codes) -> tuple[int, int, int]:
    """The fixed-point factors of two inputs and their shift.

    shift = 20 - floor(log2(max(s_a, s_b) / s_y)); m = round(s / s_y * 2^shift)
    """
    ratios = [codes.one_scale / target.one_scale for codes in (a, b)]
    _, exponent = np.frexp(max(ratios))
    shift = _MULTIPLIER_BITS - (int(exponent) - 1)
    first, second = (int(np.rint(np.ldexp(ratio, shift))) for ratio in ratios)
    return first, second, shift


def _weighted_sum(site: Site, values: Sequence[Value], *, sign: int) -> Value:
    first, second, shift = multipliers(site.source, site.input(1).known, site.target)
    a, b = (whole(centred(x, site.input(i).known)) for i, x in enumerate(both(site, values)))
    sums = a * first + b * (sign * second) + (1 << (shift - 1))
    codes = tf.bitwise.right_shift(sums, shift) + site.target.one_zero
    low, high = delegated_limits(site.options, site.target)
    return tf.cast(tf.clip_by_value(codes, low, high), tf.float32)
