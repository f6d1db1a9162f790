"""Clips the rarest values: a range that holds 99.99 % of them."""

import numpy as np

from tflq.ranges._histogram import Histogram
from tflq.ranges._registry import register_calibrator

_KEPT = 0.9999


@register_calibrator("percentile")
def percentile(histogram: Histogram, *, bits: int) -> tuple[float, float]:
    """Clips 0.01 % of all values, half of them at each end that 0 does not bound.

    Values are taken to be spread evenly within a bin of the histogram; atoms lie where they
    lie, so a spike of more than the clipped share at an extreme is kept. `bits` plays no part.

    Example:
        >>> histogram = Histogram()
        >>> histogram.update(np.arange(100_001) / 1000)
        >>> low, high = percentile(histogram, bits=8)
        >>> low, round(high, 1)
        (0.0, 100.0)
    """
    places, below = _cumulative(histogram)
    total = below[-1]
    two_sided = histogram.minimum < 0.0 < histogram.maximum
    tail = (1.0 - _KEPT) * total / (2 if two_sided else 1)
    low, high = histogram.minimum, histogram.maximum
    if low < 0.0:
        low = float(np.interp(tail, below, places))
    if high > 0.0:
        high = float(np.interp(total - tail, below, places))
    return low, high


def _cumulative(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """Places and the mass below them; an atom's place comes twice, before and after its mass."""
    edges = histogram.edges
    jumps = np.zeros(edges.size)
    for value, count in histogram.atoms:
        # The last of equal edges, so that the mass of the bins between stays below.
        jumps[np.searchsorted(edges, value, side="right") - 1] = count
    before = np.concatenate([[0.0], np.cumsum(jumps[:-1] + histogram.mass)])
    return np.repeat(edges, 2), np.stack([before, before + jumps], axis=1).ravel()
