"""Numbers as reports hold them."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tflq._tables import decibels

# Finite ends for the SQNR of layers that cost nothing, or everything.
_LEAST_DB, _MOST_DB = -100.0, 200.0


def rounded(values: Iterable[Any]) -> tuple[float, ...]:
    """Six digits of each: what a chart can show, at half the size.

    Example:
        >>> rounded(np.array([1 / 3, 2e9 / 3]))
        (0.333333, 666667000.0)
    """
    return tuple(float(f"{float(value):.6g}") for value in values)


def decibels_or_exact(value: float) -> str:
    """A ratio in dB; those of layers that cost nothing are averaged as 200 dB.

    Example:
        >>> decibels_or_exact(19.44), decibels_or_exact(200.0)
        ('19.4 dB', 'exact')
    """
    return decibels(value if value < _MOST_DB else math.inf)


def percent(share: float, digits: int = 1) -> str:
    """A share in %.

    Example:
        >>> percent(0.1234), percent(0.00004, 3), percent(0.0)
        ('12.3 %', '0.004 %', '0 %')
    """
    return f"{100 * share:.{digits}f} %" if share else "0 %"


def drawable(value: float) -> float | None:
    """A ratio that a chart can show; None for an exact one, and for one without signal."""
    return value if abs(value) < _MOST_DB else None


def noise(sqnr_db: float) -> float:
    """Energy of the noise relative to that of the signal.

    Example:
        >>> noise(20.0)
        0.01
    """
    return float(10 ** (-np.clip(sqnr_db, _LEAST_DB, _MOST_DB) / 10))
