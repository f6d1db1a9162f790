"""The bound of each row of weights that quantizes it with the least squared error."""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Bounds = npt.NDArray[np.float64]

# As many weights are worked on at once as a core's cache holds.
BLOCK = 2**15

# By how much each round of the search changes the bound, in units of the largest weight.
_ROUNDS = (
    np.linspace(-0.8, 0.0, 17),
    0.0125 * np.array([-3, -2, -1, 1, 2, 3]),
    0.003 * np.array([-3, -2, -1, 1, 2, 3]),
)

# Rows that are 0, or nearly, have no scale that a float32 can hold: their bound is left alone.
_SMALLEST_SCALE = np.finfo(np.float32).tiny


def least_squares(rows: Rows, largest: Bounds, highest: int) -> Bounds:
    """The bounds, among those tried, that quantize each row with the least squared error.

    Args:
        rows: weights by channel, shape (channels, n).
        largest: largest absolute weight of each channel.
        highest: the largest code.
    """
    share: Bounds = np.ones(len(rows))
    least: Bounds = np.full(len(rows), np.inf)
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
    for start in range(0, rows.shape[1], BLOCK):
        magnitudes = np.abs(rows[:, start : start + BLOCK])
        scaled, codes = np.empty_like(magnitudes), np.empty_like(magnitudes)
        for k in range(scales.shape[1]):
            np.multiply(magnitudes, factors[:, k, None], out=scaled)
            np.minimum(np.rint(scaled, out=codes), highest, out=codes)
            np.subtract(scaled, codes, out=scaled)
            errors[:, k] += np.einsum("ij,ij->i", scaled, scaled)
    return np.where(usable, errors * scales**2, np.inf)
