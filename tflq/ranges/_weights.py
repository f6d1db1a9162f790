"""Bounds of weights: the largest absolute value that a code stands for (equation 5)."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tflq._errors import UserError
from tflq.affine import Mode, code_limits

Rows = npt.NDArray[np.float32]
Bounds = npt.NDArray[np.float64]

# As many weights are worked on at once as a core's cache holds.
_BLOCK = 2**15

# By how much each round of the search changes the bound, in units of the largest weight.
_ROUNDS = (
    np.linspace(-0.8, 0.0, 17),
    0.0125 * np.array([-3, -2, -1, 1, 2, 3]),
    0.003 * np.array([-3, -2, -1, 1, 2, 3]),
)

# Rows that are 0, or nearly, have no scale that a float32 can hold: their bound is left alone.
_SMALLEST_SCALE = np.finfo(np.float32).tiny


def weight_bounds(weights: np.ndarray, *, axis: int | None, bits: int, method: str) -> Bounds:
    """Chooses the bound of each channel, for symmetric restricted codes.

    Args:
        weights: floats, any shape.
        axis: axis of the output channels, or None for one bound in all.
        bits: bits of a weight, 2 to 16.
        method: one of `WEIGHT_METHODS`; "minmax" clips nothing, "mse" minimises the squared
            error of each channel.

    Returns:
        float64 bounds, one a channel, shape (channels,) or (1,); 0 where all weights are 0.

    Raises:
        UserError: the method is unknown, `bits` is out of range, or a weight is not finite.

    Example:
        >>> weights = np.array([[0.5, -2.0], [0.0, 0.0]], np.float32)
        >>> weight_bounds(weights, axis=0, bits=8, method="minmax")
        array([2., 0.])
    """
    if method not in WEIGHT_METHODS:
        known = ", ".join(WEIGHT_METHODS)
        raise UserError(f"weight calibrator {method!r} is unknown; choose one of: {known}.")
    values = np.asarray(weights, np.float32)
    rows = values.reshape(1, -1) if axis is None else _by_channel(values, axis)
    largest = np.maximum(rows.max(axis=1, initial=0), np.abs(rows.min(axis=1, initial=0)))
    if not np.isfinite(largest).all():
        raise UserError("weights hold NaN or an infinity; check the training of the model.")
    _, highest = code_limits(bits, Mode.SYMMETRIC_RESTRICTED)
    return WEIGHT_METHODS[method](rows, largest.astype(np.float64), highest)


def _by_channel(values: Rows, axis: int) -> Rows:
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def _minmax(rows: Rows, largest: Bounds, highest: int) -> Bounds:
    return largest


def _mse(rows: Rows, largest: Bounds, highest: int) -> Bounds:
    bounds = np.empty_like(largest)
    height = max(1, _BLOCK // max(1, rows.shape[1]))
    for start in range(0, len(rows), height):
        part = slice(start, start + height)
        bounds[part] = _least_squares(rows[part], largest[part], highest)
    return bounds


def _least_squares(rows: Rows, largest: Bounds, highest: int) -> Bounds:
    """The bounds, among those tried, that quantize each row with the least squared error."""
    share, least = np.ones(len(rows)), np.full(len(rows), np.inf)
    for steps in _ROUNDS:
        # Backwards, so that of equals the widest comes first.
        shares = np.minimum(share[:, None] + steps[::-1], 1.0)
        errors = _errors(rows, shares * largest[:, None] / highest, highest)
        winner = errors.argmin(axis=1)[:, None]
        error = np.take_along_axis(errors, winner, axis=1)[:, 0]
        share = np.where(error < least, np.take_along_axis(shares, winner, axis=1)[:, 0], share)
        least = np.minimum(error, least)
    return share * largest


def _errors(rows: Rows, scales: Bounds, highest: int) -> Bounds:
    """Squared errors of n rows quantized with each of K scales, shape (n, K)."""
    errors = np.zeros_like(scales)
    usable = scales > _SMALLEST_SCALE
    factors = np.divide(1.0, scales, out=np.zeros_like(scales), where=usable).astype(np.float32)
    for start in range(0, rows.shape[1], _BLOCK):
        magnitudes = np.abs(rows[:, start : start + _BLOCK])
        scaled, codes = np.empty_like(magnitudes), np.empty_like(magnitudes)
        for k in range(scales.shape[1]):
            np.multiply(magnitudes, factors[:, k, None], out=scaled)
            np.minimum(np.rint(scaled, out=codes), highest, out=codes)
            np.subtract(scaled, codes, out=scaled)
            errors[:, k] += np.einsum("ij,ij->i", scaled, scaled)
    return np.where(usable, errors * scales**2, np.inf)


# Each takes rows of weights by channel, their largest absolute values and the largest code.
WEIGHT_METHODS: dict[str, Callable[[Rows, Bounds, int], Bounds]] = {
    "minmax": _minmax,
    "mse": _mse,
}
