"""Equation (12): the range whose codes keep most of the distribution's shape.

After S. Migacz, "8-bit inference with TensorRT", 2017: a candidate range clips, so in the
reference its outliers lie in the outermost cells, where the candidate does not have them; and it
quantizes, so within a cell it knows no shape. Both cost divergence. Much differs from the
well-known recipe, which clips far too much on ReLU6 and on short streams:

- Cells are those of the real quantizer, atoms are points that it represents, both ends move.
- The reference has the same number of parts a cell for every candidate. With the histogram's
  own bins, a narrow candidate has fewer of them a cell and seems better by fitting noise.
- The candidate is not normalized. Otherwise one that clips nearly everything has nearly the same
  distribution as its reference, all of it in one cell, and seems perfect.
- Divergence does not see how far away a clipped value lies. A range that clips more than the
  percentile calibrator would must therefore not have a larger squared error than the full range.
"""

import numpy as np

from tflq.ranges._cells import Density, Floats, Grids, cells_hide, full_range
from tflq.ranges._histogram import Histogram
from tflq.ranges._percentile import percentile
from tflq.ranges._registry import register_calibrator
from tflq.ranges._search import search
from tflq.ranges._squared_error import SquaredError

# Parts of all cells together, but at least two a cell: more of them would show noise, not shape.
_PARTS = 512

# Below any width or mass, yet far from what float64 cannot hold.
_TINY = 1e-100


@register_calibrator("kl")
def kl(histogram: Histogram, *, bits: int) -> tuple[float, float]:
    """Minimises the Kullback-Leibler divergence between values and what is left of them.

    The full range is kept unless another is better by more than chance explains, and where
    cells are so narrow that it loses no shape the histogram could show.

    Example:
        >>> histogram = Histogram()
        >>> histogram.update(np.append(np.random.default_rng(0).normal(size=20_000), 90))
        >>> low, high = kl(histogram, bits=4)
        >>> -4 < low < -2 < 2 < high < 4
        True
    """
    low, high = full_range(histogram)
    if cells_hide(histogram, bits):
        return low, high
    divergence, error = _Divergence(histogram, bits), SquaredError(histogram, bits)
    bearable = error(np.array([low]), np.array([high]))
    few_below, few_above = percentile(histogram, bits=bits)

    def cost(lows: Floats, highs: Floats) -> Floats:
        costs = divergence(lows, highs)
        costs[(lows > low) | (highs < high)] += divergence.chance
        many = np.flatnonzero((lows > few_below) | (highs < few_above))
        costs[many[error(lows[many], highs[many]) > bearable]] = np.inf
        return costs

    return search(cost, low, high)


class _Divergence:
    """The divergence of many ranges, times the number of values.

    Attributes:
        chance: two standard deviations of the divergence that chance makes within cells.
    """

    def __init__(self, histogram: Histogram, bits: int) -> None:
        self._bits, self._parts = bits, max(2, _PARTS >> bits)
        self.chance = 2 * float(np.sqrt(2**bits * (self._parts - 1) / 2))
        self._density, self._full = Density.of(histogram), full_range(histogram)
        self._extremes = histogram.minimum, histogram.maximum
        spikes = dict(histogram.atoms)
        self._low_spike, self._high_spike = spikes[histogram.minimum], spikes[histogram.maximum]

    def __call__(self, low: Floats, high: Floats) -> Floats:
        """The divergences of K ranges, whose ends and result have shape (K,)."""
        grids = Grids.of(low, high, self._bits)
        borders = np.clip(grids.boundaries(self._parts), *self._extremes)
        below = self._density.below(borders)
        # Every parts-th border is one between cells.
        cell_below, cell_borders = below[:, :: self._parts], borders[:, :: self._parts]
        shape = _negentropy(below, borders) - _negentropy(cell_below, cell_borders)
        cells = np.diff(cell_below)
        under = below[:, 0] + self._low_spike * (low > self._full[0])
        over = self._density.mass.sum() - below[:, -1] + self._high_spike * (high < self._full[1])
        divergence: Floats = shape + _outliers(under, cells[:, 0]) + _outliers(over, cells[:, -1])
        return divergence


def _negentropy(below: Floats, borders: Floats) -> Floats:
    """Sum of mass * log(density) between the borders of each row."""
    mass = np.diff(below)
    entropy: Floats = (mass * _log_ratio(mass, np.diff(borders))).sum(axis=1)
    return entropy


def _outliers(count: Floats, cell: Floats) -> Floats:
    """Divergence of a cell from the same one with outliers in it; one value stands for none."""
    together = cell + count
    divergence: Floats = together * _log_ratio(together, np.maximum(cell, 1.0)) - count
    return divergence


def _log_ratio(x: Floats, y: Floats) -> Floats:
    """The logarithm of x / y, finite where one is 0: it then multiplies a mass of 0."""
    logarithm: Floats = np.log(np.maximum(x, _TINY) / np.maximum(y, _TINY))
    return logarithm
