"""Bounds of weights that lose least of what a channel computes, not of the weights themselves.

A channel computes sum(w * x), so rounding errors e of its weights cost E[(sum(e * x))^2]. For
independent inputs of mean m and variance v that is v * (sum(e^2) + m^2 / v * sum(e)^2): errors that
cancel are harmless, and with many weights there is nearly always a bound nearby whose errors do.
This extends the squared error of equations (8)-(11), which stops at the first term.

Inputs are mostly what a ReLU lets through. For a half-normal distribution m^2 / v = 2 / (pi - 2).
No data is needed.
"""

import math

import numpy as np

from tflq.ranges._squared_weights import Bounds, Rows, least_squares

_MEAN_TO_VARIANCE = 2 / (math.pi - 2)

# The bounds tried, in units of the one with the least squared error. None clips on purpose, nor
# is much wider than the largest weight; the fewer weights, the more it takes to make them cancel.
_REACH = 0.1
_FEWEST, _MOST, _WORK = 16, 512, 2**12


def least_output_error(rows: Rows, largest: Bounds, highest: int) -> Bounds:
    """The bounds, among those tried, with the least expected error of each channel's output.

    Args:
        rows: weights by channel, shape (channels, n).
        largest: largest absolute weight of each channel.
        highest: the largest code.

    Returns:
        Bounds, shape (channels,); up to a tenth wider than the largest weight.
    """
    start = least_squares(rows, largest, highest)
    widest = largest * (1 + _REACH)
    best, least = start, _output_error(rows, start, highest)
    tries = min(max(_WORK // max(1, rows.shape[1]), _FEWEST), _MOST)
    for share in np.linspace(1 - _REACH, 1 + _REACH, tries):
        bounds = np.minimum(start * share, widest)
        error = _output_error(rows, bounds, highest)
        better = error < least
        best, least = np.where(better, bounds, best), np.where(better, error, least)
    return best


def _output_error(rows: Rows, bounds: Bounds, highest: int) -> Bounds:
    """Expected squared error of each channel's output, in units of its inputs' variance."""
    scales = bounds / highest
    usable = scales > np.finfo(np.float32).tiny
    factors = np.divide(1.0, scales, out=np.zeros_like(scales), where=usable).astype(np.float32)
    lost = rows * factors[:, None]
    codes = np.rint(lost)
    np.minimum(codes, highest, out=codes)
    np.maximum(codes, -highest, out=codes)
    np.subtract(lost, codes, out=lost)
    spread = np.einsum("ij,ij->i", lost, lost)
    drift = np.square(lost @ np.ones(rows.shape[1], np.float32), dtype=np.float64)
    error: Bounds = np.where(usable, (spread + _MEAN_TO_VARIANCE * drift) * scales**2, np.inf)
    return error
