"""Numbers as reports hold them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

# Finite ends for the SQNR of layers that cost nothing, or everything.
_LEAST_DB, _MOST_DB = -100.0, 200.0


def rounded(values: Iterable[Any]) -> tuple[float, ...]:
    """Six digits of each: what a chart can show, at half the size.

    Example:
        >>> rounded(np.array([1 / 3, 2e9 / 3]))
        (0.333333, 666667000.0)
    """
    return tuple(float(f"{float(value):.6g}") for value in values)


def noise(sqnr_db: float) -> float:
    """Energy of the noise relative to that of the signal.

    Example:
        >>> noise(20.0)
        0.01
    """
    return float(10 ** (-np.clip(sqnr_db, _LEAST_DB, _MOST_DB) / 10))
