"""A histogram of one activation over a stream of samples, mergeable without loss.

Bins are `2**exponent` wide and aligned at 0, so that a wider range only merges pairs of bins.
The exponent is the smallest that covers [minimum, maximum] with `BINS` bins: it depends on the
extremes alone, not on the order in which values came. However a stream is split into shards and
however these are merged, the result is that of a single pass, bit for bit; of the latest extremes,
of which there is a moving average, the order is kept.

Many activations put a large share of their values at exactly 0 or at their extremes: ReLU6 at 0
and 6. A quantizer can represent these points exactly, so they are counted apart, as atoms.
"""

import copy
import math

import numpy as np
import numpy.typing as npt

from tflq.ranges._moving_extremes import MovingExtremes

BINS = 2048

# Tensors of at least twice as many values are binned on a sample of about this size.
_SAMPLE = 8192

# A float32 has 24 significant bits and multiples of 2**-149: finer bins tell nothing apart.
_SIGNIFICANT_BITS, _SMALLEST_EXPONENT = 24, -149


class NotFiniteError(ValueError):
    """A tensor holds NaN or an infinity."""


class Histogram:
    """Statistics of one activation tensor.

    Minimum and maximum are those of all values. Bins and atoms of a large tensor are counted on
    every n-th value, each standing for n; n is coprime with the tensor's size, so no channel or
    column is missed. Give one sample an update: results then do not depend on batches.

    Attributes:
        minimum: smallest value; infinity before the first update.
        maximum: largest value; minus infinity before the first update.
        count: number of values seen.
        exponent: bins are `2**exponent` wide.
        moving: the latest extremes, by update.

    Example:
        >>> histogram = Histogram()
        >>> histogram.update(np.array([0.0, 0.0, 0.5, 6.0, 6.0, 6.0], np.float32))
        >>> histogram.minimum, histogram.maximum, histogram.atoms
        (0.0, 6.0, ((0.0, 2.0), (6.0, 3.0)))
        >>> float(histogram.mass.sum())  # 0.5 is no atom
        1.0
    """

    def __init__(self) -> None:
        self.minimum, self.maximum = math.inf, -math.inf
        self.count = 0
        self.exponent = _SMALLEST_EXPONENT
        self.moving = MovingExtremes()
        # Counts of all values, atoms too; bin 0 of the array starts at _first * width.
        self._bins = np.zeros(0, np.int64)
        self._first = 0
        self._at_minimum = self._at_zero = self._at_maximum = 0

    def update(self, x: np.ndarray) -> None:
        """Adds the values of one sample.

        Args:
            x: float32, any shape; nothing happens when it is empty.

        Raises:
            NotFiniteError: `x` holds NaN or an infinity; the histogram is as before.
        """
        values = np.asarray(x, np.float32).reshape(-1)
        if not values.size:
            return
        # Adding 0.0 makes -0.0 positive, for the extremes not to depend on the order of zeros.
        low, high = float(values.min()) + 0.0, float(values.max()) + 0.0
        if not (math.isfinite(low) and math.isfinite(high)):
            raise NotFiniteError(f"smallest value {low}, largest value {high}")
        self._cover(low, high)
        self.count += values.size
        self.moving = self.moving.after(low, high)
        self._tally(values, low, high)

    def merge(self, later: "Histogram") -> "Histogram":
        """A new histogram of this stream followed by a later one."""
        if not later.count:
            return self.copy()
        merged = self.copy()
        merged._cover(later.minimum, later.maximum)
        merged._add(later._bins, later._first, later.exponent)
        merged.count += later.count
        merged.moving = self.moving.merge(later.moving)
        merged._at_zero += later._at_zero
        if later.minimum == merged.minimum:
            merged._at_minimum += later._at_minimum
        if later.maximum == merged.maximum:
            merged._at_maximum += later._at_maximum
        return merged

    def beside(self, other: "Histogram") -> "Histogram":
        """A new histogram of two tensors that must share one range.

        As `merge`, but for tensors of the same samples, neither of which is the later one.
        """
        merged = self.merge(other)
        merged.moving = self.moving.beside(other.moving)
        return merged

    def copy(self) -> "Histogram":
        """An independent copy."""
        clone = copy.copy(self)
        clone._bins = self._bins.copy()
        return clone

    @property
    def width(self) -> float:
        """Width of a bin."""
        return math.ldexp(1.0, self.exponent)

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """The bins' n + 1 edges; the outer two are the minimum and the maximum.

        Atoms lie on edges. Bins at the ends may be narrower than the others, even empty.
        """
        edges = (self._first + np.arange(self._bins.size + 1)) * self.width
        return np.clip(edges, self.minimum, self.maximum)

    @property
    def mass(self) -> npt.NDArray[np.float64]:
        """How many values lie in each of the n bins, atoms left out."""
        mass = self._bins.astype(np.float64)
        for value, count in self.atoms:
            mass[self._index(value) - self._first] -= count
        return mass

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """Ascending (value, how many values equal it): 0, where it occurs, and the extremes."""
        if not self.count:
            return ()
        counts = {self.minimum: self._at_minimum, self.maximum: self._at_maximum}
        if self._at_zero:
            counts[0.0] = self._at_zero
        return tuple(sorted((value, float(count)) for value, count in counts.items()))

    def _cover(self, low: float, high: float) -> None:
        """Grows the range; what was counted at an extreme that is none any more is forgotten."""
        if self.minimum <= low and high <= self.maximum:
            return
        if low < self.minimum:
            self.minimum, self._at_minimum = low, 0
        if high > self.maximum:
            self.maximum, self._at_maximum = high, 0
        bins, first, exponent = self._bins, self._first, self.exponent
        self.exponent = _exponent(self.minimum, self.maximum)
        self._first = self._index(self.minimum)
        self._bins = np.zeros(self._index(self.maximum) - self._first + 1, np.int64)
        self._add(bins, first, exponent)

    def _add(self, bins: npt.NDArray[np.int64], first: int, exponent: int) -> None:
        """Adds bins that are as wide as these or narrower."""
        indices = (first + np.arange(bins.size)) >> (self.exponent - exponent)
        np.add.at(self._bins, indices - self._first, bins)

    def _tally(self, values: npt.NDArray[np.float32], low: float, high: float) -> None:
        """Counts bins and atoms of one sample."""
        stride = _stride(values.size)
        sample = values[::stride]
        # In float64 the product is exact, even for the smallest and the largest float32.
        scaled = np.floor(sample.astype(np.float64) * math.ldexp(1.0, -self.exponent))
        indices = scaled.astype(np.int64) - self._first
        self._bins += stride * np.bincount(indices, minlength=self._bins.size)
        at_low, at_high = (self._tally_extreme(sample, value, stride) for value in (low, high))
        if low == self.minimum:
            self._at_minimum += at_low
        if high == self.maximum:
            self._at_maximum += at_high
        zeros = stride * (sample.size - int(np.count_nonzero(sample)))
        self._at_zero += max(zeros, int(0.0 in (low, high)))

    def _tally_extreme(self, sample: npt.NDArray[np.float32], value: float, stride: int) -> int:
        """How often an extreme occurs; one that fell between the sampled values is added."""
        found = stride * int(np.count_nonzero(sample == value))
        if not found:
            self._bins[self._index(value) - self._first] += 1
        return max(found, 1)

    def _index(self, value: float) -> int:
        return math.floor(math.ldexp(value, -self.exponent))


def _exponent(low: float, high: float) -> int:
    """The finest bins that cover [low, high] and still tell float32 numbers apart."""
    exponent = max(
        _magnitude(high - low) - BINS.bit_length() + 1,
        _magnitude(max(abs(low), abs(high))) - _SIGNIFICANT_BITS,
        _SMALLEST_EXPONENT,
    )
    first, last = (math.floor(math.ldexp(end, -exponent)) for end in (low, high))
    # Where the ends lie in their bins decides whether one bin too many is needed.
    return exponent + (last - first >= BINS)


def _magnitude(value: float) -> int:
    """The exponent of the least power of two above |value|; of 0, one below all others."""
    return math.frexp(value)[1] if value else _SMALLEST_EXPONENT


def _stride(size: int) -> int:
    stride = max(1, size // _SAMPLE)
    while math.gcd(stride, size) > 1:
        stride += 1
    return stride
