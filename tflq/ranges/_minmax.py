"""Equations (6) and (7): the smallest and the largest value seen."""

from tflq.ranges._histogram import Histogram
from tflq.ranges._registry import register_calibrator


@register_calibrator("minmax")
def minmax(histogram: Histogram, *, bits: int) -> tuple[float, float]:
    """Clips nothing; `bits` plays no part.

    Example:
        >>> histogram = Histogram()
        >>> histogram.update([-1.0, 2.0, 5.0])
        >>> minmax(histogram, bits=8)
        (-1.0, 5.0)
    """
    return histogram.minimum, histogram.maximum
