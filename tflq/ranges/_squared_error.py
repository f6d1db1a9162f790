"""Equations (8)-(10): the squared error that quantizing to a range makes, from a histogram."""

import numpy as np

from tflq.ranges._cells import Density, Floats, Grids, cells_hide
from tflq.ranges._histogram import Histogram


class SquaredError:
    """The summed squared error of many ranges.

    Atoms count with the error at their very place, which is none where a range ends in them;
    other values count as if spread evenly within their bin.

    Args:
        histogram: the statistics.
        bits: bits of a code.

    Example:
        >>> histogram = Histogram()
        >>> histogram.update(np.array([0.0, 0.4, 1.0, 3.0]))
        >>> error = SquaredError(histogram, bits=2)
        >>> error(np.array([0.0]), np.array([3.0])).round(2)  # 0.4 becomes 0
        array([0.16])
    """

    def __init__(self, histogram: Histogram, bits: int) -> None:
        self._bits, self._atoms = bits, histogram.atoms
        density = Density.of(histogram)
        fine = cells_hide(histogram, bits)
        self._spread = _Integral(density) if fine else _Sum(density)

    def __call__(self, low: Floats, high: Floats) -> Floats:
        """The errors of K ranges, whose ends and result have shape (K,)."""
        grids = Grids.of(low, high, self._bits)
        atoms = sum(count * grids.error(value) ** 2 for value, count in self._atoms)
        return self._spread(grids) + atoms


class _Sum:
    """The error added up over cells, exact for a piecewise constant density.

    A grid of 0 alone has the error sum(x^2). Every border of a cell that lies between 0 and x
    brings the code one step nearer to x: passing from c to c + s lowers (x - c)^2 by
    2 s (x - border). So the error is sum(x^2) - 2 s sum(beyond(border)), where beyond(t) adds up
    the distances to t of all values that lie further from 0 on t's side. Within a bin it is a
    parabola.
    """

    def __init__(self, density: Density) -> None:
        edges, mass, width = density.edges, density.mass, np.diff(density.edges)
        positive = edges[:-1] >= 0.0
        above = np.append(np.cumsum(np.where(positive, mass, 0.0)[::-1])[::-1], 0.0)
        below = np.append(0.0, np.cumsum(np.where(positive, 0.0, mass)))
        further = np.where(positive, above[:-1], below[:-1])
        area = width * (further + np.where(positive, above[1:], below[1:])) / 2
        beyond = np.where(positive, np.cumsum(area[::-1])[::-1], np.cumsum(area) - area)
        # One more column at each end: nothing lies beyond the extremes.
        rows = np.stack([beyond, np.where(positive, -further, further), density.height / 2])
        self._value, self._slope, self._bend = np.pad(rows, ((0, 0), (1, 1)))
        self._edges, self._origin = edges, np.append(edges[0], edges)
        self._squares = float(density.height @ np.diff(edges**3)) / 3

    def __call__(self, grids: Grids) -> Floats:
        borders = grids.boundaries()[:, 1:-1]
        bins = np.searchsorted(self._edges, borders, side="right")
        step = borders - self._origin[bins]
        beyond = self._value[bins] + step * (self._slope[bins] + step * self._bend[bins])
        error: Floats = self._squares - 2 * grids.scale[:, 0] * beyond.sum(axis=1)
        return error


class _Integral:
    """The error as an integral, for many cells a bin: s^2 / 12 inside, the distance outside."""

    def __init__(self, density: Density) -> None:
        self._density = density

    def __call__(self, grids: Grids) -> Floats:
        (low, high), density = grids.ends, self._density
        inside = (density.below(high) - density.below(low)) * grids.scale**2 / 12
        over, under = np.maximum(density.edges - high, 0.0), np.maximum(low - density.edges, 0.0)
        error: Floats = inside[:, 0] + np.diff(over**3 - under**3) @ density.height / 3
        return error
