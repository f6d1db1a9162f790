"""What a layer's activation looked like in float, and the range that was laid over it."""

from dataclasses import dataclass

import numpy as np

from tflq.diagnosis._numbers import rounded
from tflq.ranges import Histogram

_BARS = 64
# The bulk: the middle of the values, without this share at either end.
_TAIL = 0.0005


@dataclass(frozen=True, kw_only=True)
class ActivationRange:
    """An activation's float values, and the range of its codes.

    Attributes:
        chosen: smallest and largest value that a code stands for.
        origin: what chose it: a calibrator, "trained" or "kernel rule".
        seen: smallest and largest value in calibration.
        bulk: between these lie 99.9 % of the values.
        clipped: share of the values outside the chosen range.
        clipping_share: share of this activation's own rounding error that is due to them.
        edges: of the histogram's bars.
        counts: values in each bar.
    """

    chosen: tuple[float, float]
    origin: str
    seen: tuple[float, float]
    bulk: tuple[float, float]
    clipped: float
    clipping_share: float
    edges: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def width_of_bulk(self) -> float:
        """How many times as wide as the bulk the chosen range is; 0 for a bulk of one value."""
        bulk = self.bulk[1] - self.bulk[0]
        return (self.chosen[1] - self.chosen[0]) / bulk if bulk else 0.0


def activation_range(
    histogram: Histogram, chosen: tuple[float, float], *, origin: str, bits: int
) -> ActivationRange:
    """Lays a range over a histogram.

    Args:
        histogram: of the float activation; it has seen a value at least.
        chosen: the range.
        origin: what chose it.
        bits: of a code.

    Example:
        >>> histogram = Histogram()
        >>> histogram.update(np.arange(100, dtype=np.float32))
        >>> found = activation_range(histogram, (0.0, 89.0), origin="kl", bits=8)
        >>> found.clipped, found.seen
        (0.1, (0.0, 99.0))
    """
    values, counts = _points(histogram)
    low, high = chosen
    step = (high - low) / (2**bits - 1)
    # The last code stands for what lies within half a step, as any other does.
    slack = max(step, histogram.width) / 2
    outside = (values < low - slack) | (values > high + slack)
    total = float(counts.sum())
    clipping = float((counts * (values - values.clip(low, high)) ** 2)[outside].sum())
    rounding = step**2 / 12 * float(counts[~outside].sum())
    edges, bars = _bars(histogram, values, counts)
    return ActivationRange(
        chosen=(float(low), float(high)),
        origin=origin,
        seen=(histogram.minimum, histogram.maximum),
        bulk=_bulk(values, counts),
        clipped=float(counts[outside].sum()) / total,
        clipping_share=clipping / (clipping + rounding) if clipping else 0.0,
        edges=rounded(edges),
        counts=rounded(bars),
    )


def _points(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """Values, ascending, and how often they occur: the middles of bins, and atoms."""
    edges = histogram.edges
    atoms = np.array(histogram.atoms)
    values = np.concatenate([(edges[:-1] + edges[1:]) / 2, atoms[:, 0]])
    counts = np.concatenate([histogram.mass, atoms[:, 1]])
    order = np.argsort(values, kind="stable")
    return values[order], counts[order]


def _bars(
    histogram: Histogram, values: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    low, high = histogram.minimum, histogram.maximum
    # One value alone would have a bar of no width.
    margin = 0.0 if high > low else max(abs(low), 1.0) / 2
    bars, edges = np.histogram(values, _BARS, (low - margin, high + margin), weights=counts)
    return edges, bars


def _bulk(values: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    below = np.cumsum(counts) / counts.sum()
    low, high = np.searchsorted(below, [_TAIL, 1 - _TAIL])
    return float(values[low]), float(values[min(high, len(values) - 1)])
