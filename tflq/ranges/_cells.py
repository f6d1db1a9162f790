"""Many candidate ranges of one activation at once: their codes' cells, laid over a histogram."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflq.affine import Mode, code_limits, parameters
from tflq.ranges._histogram import BINS, Histogram

Floats = npt.NDArray[np.float64]


def full_range(histogram: Histogram) -> tuple[float, float]:
    """The extremes, widened to hold 0.

    Example:
        >>> histogram = Histogram()
        >>> histogram.update(np.array([2.0, 5.0]))
        >>> full_range(histogram)
        (0.0, 5.0)
    """
    return min(histogram.minimum, 0.0), max(histogram.maximum, 0.0)


def cells_hide(histogram: Histogram, bits: int) -> bool:
    """Whether cells are so narrow, or so many, that what is in each of them plays no part."""
    low, high = full_range(histogram)
    return 2**bits > BINS or bool(high - low <= histogram.width * (2**bits - 1))


@dataclass(frozen=True, kw_only=True)
class Grids:
    """The representable numbers of K ranges, each an arithmetic series through 0.

    Attributes:
        scale: distance of neighbours, shape (K, 1).
        first: the smallest number in units of the scale, shape (K, 1).
        levels: how many numbers a range has.
    """

    scale: Floats
    first: Floats
    levels: int

    @classmethod
    def of(cls, low: Floats, high: Floats, bits: int) -> "Grids":
        """The grids of ranges as a file will hold them, moved so that 0 is representable.

        Args:
            low: lower ends, shape (K,).
            high: upper ends, shape (K,).
            bits: bits of a code.

        Example:
            >>> grids = Grids.of(np.array([-1.0]), np.array([2.0]), bits=2)
            >>> grids.boundaries()
            array([[-1.5, -0.5,  0.5,  1.5,  2.5]])
        """
        affine = parameters(low, high, bits=bits, mode=Mode.ASYMMETRIC)
        lowest, highest = code_limits(bits, Mode.ASYMMETRIC)
        return cls(
            scale=np.asarray(affine.scale)[:, None],
            first=np.asarray(lowest - affine.zero_point, np.float64)[:, None],
            levels=highest - lowest + 1,
        )

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """The smallest and the largest representable number, each of shape (K, 1)."""
        return self.scale * self.first, self.scale * (self.first + self.levels - 1)

    def boundaries(self, parts: int = 1) -> Floats:
        """The outer ends of all cells and the borders between them.

        Args:
            parts: into how many equal parts each cell is divided.

        Returns:
            Shape (K, levels * parts + 1), ascending.
        """
        steps = np.arange(self.levels * parts + 1) / parts - 0.5
        return self.scale * (self.first + steps)

    def error(self, value: float) -> Floats:
        """By how much each grid misses a value, shape (K,)."""
        last = self.first + self.levels - 1
        nearest = np.clip(np.rint(value / self.scale), self.first, last)
        missed: Floats = value - nearest * self.scale
        return missed[:, 0]


@dataclass(frozen=True, kw_only=True)
class Density:
    """A histogram without its atoms, as a piecewise constant density that has an edge at 0.

    Attributes:
        edges: n + 1 ascending numbers.
        mass: how many values lie between neighbouring edges, shape (n,).
    """

    edges: Floats
    mass: Floats

    @classmethod
    def of(cls, histogram: Histogram) -> "Density":
        """The density of a histogram."""
        edges, mass = histogram.edges, histogram.mass
        # Where the extremes enclose 0 it is an edge already.
        if edges[0] > 0.0:
            edges, mass = np.append(0.0, edges), np.append(0.0, mass)
        elif edges[-1] < 0.0:
            edges, mass = np.append(edges, 0.0), np.append(mass, 0.0)
        return cls(edges=edges, mass=mass)

    @property
    def height(self) -> Floats:
        """Mass per unit of length, shape (n,); 0 where two edges coincide."""
        width = np.diff(self.edges)
        return np.divide(self.mass, width, out=np.zeros_like(width), where=width > 0)

    def below(self, places: Floats) -> Floats:
        """How much mass lies below places of any shape."""
        mass: Floats = np.interp(places, self.edges, np.append(0.0, np.cumsum(self.mass)))
        return mass
