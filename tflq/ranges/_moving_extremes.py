"""A bias-corrected exponential moving average of a stream's minima and maxima."""

from dataclasses import dataclass

import numpy as np

DECAY = 0.99
# Before these, updates weigh less than a float can tell.
_KEPT = 4096


@dataclass(frozen=True, kw_only=True)
class MovingExtremes:
    """The latest minima and maxima of a stream, of which the i-th last weighs `DECAY**i`.

    They are kept one by one, so that parts of a stream give what the whole gives, bit for bit.

    Attributes:
        lows: the latest minima, oldest first.
        highs: the latest maxima.

    Example:
        >>> MovingExtremes().after(-1.0, 5.0).average
        (-1.0, 5.0)
    """

    lows: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()

    def after(self, low: float, high: float) -> "MovingExtremes":
        """These extremes with one more update."""
        return self.merge(MovingExtremes(lows=(low,), highs=(high,)))

    def merge(self, later: "MovingExtremes") -> "MovingExtremes":
        """These extremes, followed by those of a later part of the stream."""
        return MovingExtremes(
            lows=(self.lows + later.lows)[-_KEPT:], highs=(self.highs + later.highs)[-_KEPT:]
        )

    def beside(self, other: "MovingExtremes") -> "MovingExtremes":
        """The wider of two streams that run side by side, such as the inputs of a concat."""
        if not (self.lows and other.lows):
            return self if self.lows else other
        updates = max(len(self.lows), len(other.lows))
        (low, high), (other_low, other_high) = self.average, other.average
        return MovingExtremes(
            lows=(min(low, other_low),) * updates, highs=(max(high, other_high),) * updates
        )

    @property
    def average(self) -> tuple[float, float]:
        """Moving average of the minima and of the maxima; there must have been an update."""
        weights = DECAY ** np.arange(len(self.lows))[::-1]
        # Dividing by the weights' sum is what corrects the bias of a short stream.
        weights /= weights.sum()
        low, high = ((weights * ends).sum() for ends in (self.lows, self.highs))
        return float(low), float(high)
