"""How far the outputs of two machines agree."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """Outputs of one file on two machines, side by side.

    Attributes:
        same: share of the values that are identical.
        largest: the largest difference: in codes, or for floats as a share of the largest output.
    """

    same: float
    largest: float


def agreement(wanted: np.ndarray, came: np.ndarray) -> Agreement:
    """Compares two arrays of one dtype and shape.

    Raises:
        ValueError: dtypes or shapes differ.

    Example:
        >>> agreement(np.array([-128, 127], np.int8), np.array([127, 127], np.int8))
        Agreement(same=0.5, largest=255.0)
    """
    if (wanted.dtype, wanted.shape) != (came.dtype, came.shape):
        raise ValueError(
            f"outputs are {came.dtype} {came.shape}, not {wanted.dtype} {wanted.shape} as expected"
        )
    difference = np.abs(wanted.astype(np.float64) - came.astype(np.float64))
    floating = np.issubdtype(wanted.dtype, np.floating)
    unit = float(np.max(np.abs(wanted))) or 1.0 if floating else 1.0
    return Agreement(float(np.mean(wanted == came)), float(np.max(difference)) / unit)
