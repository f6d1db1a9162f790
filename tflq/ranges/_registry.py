"""Calibrators by name.

A calibrator turns the statistics of one activation into the range to represent. It is added in
one place, its own file:

    @register_calibrator("mine")
    def mine(histogram: Histogram, *, bits: int) -> tuple[float, float]:
        return histogram.minimum / 2, histogram.maximum / 2
"""

import math
from collections.abc import Callable
from typing import Protocol, TypeVar

from tflq._errors import UserError
from tflq.ranges._histogram import Histogram


class Calibrator(Protocol):
    """Chooses (min, max) of an activation for codes of `bits` bits."""

    def __call__(self, histogram: Histogram, *, bits: int) -> tuple[float, float]:
        """Chooses the range."""


_Registered = TypeVar("_Registered", bound=Calibrator)

_CALIBRATORS: dict[str, Calibrator] = {}


def register_calibrator(name: str) -> Callable[[_Registered], _Registered]:
    """Decorates a calibrator to make it known as `name`.

    Args:
        name: as given to `tflq.export(..., calibrator=name)`.

    Returns:
        A decorator that leaves the function as it is.

    Raises:
        UserError: the name is taken.

    Example:
        >>> @register_calibrator("half")
        ... def half(histogram, *, bits):
        ...     return histogram.minimum / 2, histogram.maximum / 2
        >>> "half" in calibrators()
        True
        >>> del _CALIBRATORS["half"]
    """
    if name in _CALIBRATORS:
        raise UserError(f"calibrator {name!r} is registered already; choose another name.")

    def register(function: _Registered) -> _Registered:
        _CALIBRATORS[name] = function
        return function

    return register


def get_calibrator(name: str) -> Calibrator:
    """The calibrator registered as `name`, with its results checked and widened to hold 0.

    Args:
        name: one of `calibrators()`.

    Returns:
        A function of a histogram and `bits`. It raises `UserError` when the histogram is empty
        or when the calibrator returns what is no range.

    Raises:
        UserError: no such calibrator; the message lists those there are.

    Example:
        >>> histogram = Histogram()
        >>> histogram.update([1.0, 5.0])
        >>> get_calibrator("minmax")(histogram, bits=8)
        (0.0, 5.0)
    """
    if name not in _CALIBRATORS:
        known = ", ".join(calibrators())
        raise UserError(f"calibrator={name!r} is unknown; choose one of: {known}.")
    choose = _CALIBRATORS[name]

    def checked(histogram: Histogram, *, bits: int) -> tuple[float, float]:
        if not histogram.count:
            raise UserError(f"calibrator {name!r} got an empty histogram; update it first.")
        low, high = (float(bound) for bound in choose(histogram, bits=bits))
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise UserError(
                f"calibrator {name!r} returned ({low}, {high}); it must return finite numbers, "
                "min <= max."
            )
        return min(low, 0.0), max(high, 0.0)

    return checked


def calibrators() -> tuple[str, ...]:
    """The names of all calibrators, in the order of their registration.

    Example:
        >>> calibrators()
        ('minmax', 'moving_average', 'percentile', 'mse', 'kl')
    """
    return tuple(_CALIBRATORS)
