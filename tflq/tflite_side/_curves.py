"""How well codes do for a curve, told by the histogram of what it reads."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tflq.ranges import Histogram


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What an op makes of one of its inputs.

    Attributes:
        function: of the values.
        place: which input.
        tabled: whether the 16-bit kernel draws it with 512 straight lines over the whole range.
        centred: whether only differences of its values tell anything.
        relative: whether its values multiply others, so that small ones count as much.
    """

    function: Callable[[np.ndarray], np.ndarray]
    place: int = 0
    tabled: bool = True
    centred: bool = False
    relative: bool = False


CURVES = {
    "DIV": Curve(function=np.reciprocal, place=1, tabled=False, relative=True),
    "EXP": Curve(function=np.exp),
    "LOG": Curve(function=np.log, centred=True),
    "RSQRT": Curve(function=lambda x: 1 / np.sqrt(x), relative=True),
    "SQRT": Curve(function=np.sqrt),
}
_LINES = 512
_WITHIN_BIN = np.linspace(1 / 16, 15 / 16, 8)


class Spread:
    """A curve over the values that it has seen.

    Args:
        curve: the curve.
        histogram: of its input.
        given: (min, max) of the input's codes.
    """

    def __init__(self, curve: Curve, histogram: Histogram, given: tuple[float, float]):
        points, weights = spread_out(histogram)
        with np.errstate(all="ignore"):
            made = curve.function(points)
        fine = np.isfinite(made) & (weights > 0)
        self._curve, self._given = curve, given
        self._points, self._weights, self._made = points[fine], weights[fine], made[fine]
        self.empty = not fine.any()

    def decibels(self, bits: int, *, integer: bool) -> float:
        """SQNR of the curve's values where its input has codes.

        Args:
            bits: of a code.
            integer: whether the op computes in integers too, and not in float32 on what the
                codes stand for.
        """
        low, high = self._given
        if bits >= 16:
            low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
        codes = _rounded(self._points, low, high, bits)
        if integer and bits == 16 and self._curve.tabled:
            nodes = np.linspace(low, high, _LINES + 1)
            came = np.interp(codes, nodes, self._clipped(nodes))
        elif integer:
            came = self._clipped(codes)
        else:
            with np.errstate(all="ignore"):
                came = self._curve.function(codes)
            # Near 0 a code may stand for 0, of which float32 makes infinity.
            if not np.isfinite(came).all():
                return -np.inf
        if integer and self._curve.relative:
            came = _rounded(came, min(0.0, came.min()), came.max(), bits)
        made, weights = self._made, self._weights
        if self._curve.relative:
            weights = weights / np.maximum(made**2, 1e-30)
        mean = np.average(made, weights=weights) if self._curve.centred else 0.0
        signal = float((weights * (made - mean) ** 2).sum())
        noise = float((weights * (made - came) ** 2).sum())
        return 10 * float(np.log10(signal / noise)) if noise and signal else np.inf

    def _clipped(self, x: np.ndarray) -> np.ndarray:
        """The curve as kernels have it: what is not finite becomes the lowest code."""
        with np.errstate(all="ignore"):
            made = self._curve.function(x)
        low, high = float(self._made.min()), float(self._made.max())
        return np.nan_to_num(made, nan=low).clip(low, high)


def contrast(histogram: Histogram) -> float:
    """The largest magnitude, in multiples of the usual one; zeros are left out."""
    values, weights = spread_out(histogram)
    magnitudes = np.abs(values)
    order = np.argsort(magnitudes)
    below = np.cumsum(weights[order])
    if not below.size or not below[-1]:
        return 1.0
    usual = magnitudes[order][np.searchsorted(below, below[-1] / 2)]
    return float(magnitudes.max() / max(usual, 1e-30))


def spread_out(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """Values but 0 and how often they occur; within a bin they lie evenly by magnitude."""
    mass, edges = histogram.mass, histogram.edges
    filled = mass > 0
    low, high = edges[:-1][filled, None], edges[1:][filled, None]
    ratio = np.where(low > 0, high / np.where(low > 0, low, 1.0), 1.0)
    inside = np.where(low > 0, low * ratio**_WITHIN_BIN, low + (high - low) * _WITHIN_BIN)
    weights = np.repeat(mass[filled] / _WITHIN_BIN.size, _WITHIN_BIN.size)
    atoms = np.array([(value, count) for value, count in histogram.atoms if value]).reshape(-1, 2)
    values = np.concatenate([inside.reshape(-1), atoms[:, 0]])
    return values, np.concatenate([weights, atoms[:, 1]])


def _rounded(x: np.ndarray, low: float, high: float, bits: int) -> np.ndarray:
    step = (high - low) / (2**bits - 1) or 1.0
    rounded: np.ndarray = low + np.rint((x.clip(low, high) - low) / step) * step
    return rounded
