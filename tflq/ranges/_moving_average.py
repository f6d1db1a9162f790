"""Moving averages of each sample's minimum and maximum, as Jacob et al. 2018 use in training."""

from tflq.ranges._histogram import Histogram
from tflq.ranges._registry import register_calibrator


@register_calibrator("moving_average")
def moving_average(histogram: Histogram, *, bits: int) -> tuple[float, float]:
    """Averages over samples, so a single odd one counts little; `bits` plays no part.

    Example:
        >>> histogram = Histogram()
        >>> for maximum in (4.0, 4.0, 4.0, 8.0):
        ...     histogram.update([0.0, maximum])
        >>> low, high = moving_average(histogram, bits=8)
        >>> low, round(high, 2)
        (0.0, 5.02)
    """
    return histogram.moving.average
