"""Bounds of weights: the largest absolute value that a code stands for (equation 5)."""

from collections.abc import Callable

import numpy as np

from tflq._errors import UserError
from tflq.affine import Mode, code_limits
from tflq.ranges._output_error import least_output_error
from tflq.ranges._squared_weights import BLOCK, Bounds, Rows, least_squares

Method = Callable[[Rows, Bounds, int], Bounds]


def weight_bounds(weights: np.ndarray, *, axis: int | None, bits: int, method: str) -> Bounds:
    """Chooses the bound of each channel, for symmetric restricted codes.

    Args:
        weights: floats, any shape.
        axis: axis of the output channels, or None for one bound in all.
        bits: bits of a weight, 2 to 16.
        method: one of `WEIGHT_METHODS`: "minmax" clips nothing, "mse" minimises the squared
            error of each channel's weights, "output_mse" that of what the channel computes.
            Without an axis channels are not known, and "output_mse" does what "mse" does.

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
    if axis is None and method == "output_mse":
        method = "mse"
    return WEIGHT_METHODS[method](rows, largest.astype(np.float64), highest)


def _by_channel(values: Rows, axis: int) -> Rows:
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def _minmax(rows: Rows, largest: Bounds, highest: int) -> Bounds:
    return largest


def _in_blocks(method: Method) -> Method:
    """As many channels at once as fit into the cache."""

    def blockwise(rows: Rows, largest: Bounds, highest: int) -> Bounds:
        bounds = np.empty_like(largest)
        height = max(1, BLOCK // max(1, rows.shape[1]))
        for start in range(0, len(rows), height):
            part = slice(start, start + height)
            bounds[part] = method(rows[part], largest[part], highest)
        return bounds

    return blockwise


# Each takes rows of weights by channel, their largest absolute values and the largest code.
WEIGHT_METHODS: dict[str, Method] = {
    "minmax": _minmax,
    "mse": _in_blocks(least_squares),
    "output_mse": _in_blocks(least_output_error),
}
