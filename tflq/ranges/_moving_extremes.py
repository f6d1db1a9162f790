"""A bias-corrected exponential moving average of a stream's minima and maxima."""

from dataclasses import dataclass

DECAY = 0.99


@dataclass(frozen=True, kw_only=True)
class MovingExtremes:
    """Sums of minima and maxima in which the i-th last update weighs `DECAY**i`.

    Attributes:
        low: weighted sum of minima.
        high: weighted sum of maxima.
        updates: how many there were.

    Example:
        >>> MovingExtremes().after(-1.0, 5.0).average
        (-1.0, 5.0)
    """

    low: float = 0.0
    high: float = 0.0
    updates: int = 0

    def after(self, low: float, high: float) -> "MovingExtremes":
        """These extremes with one more update."""
        return self.merge(MovingExtremes(low=low, high=high, updates=1))

    def merge(self, later: "MovingExtremes") -> "MovingExtremes":
        """These extremes, followed by those of a later part of the stream."""
        faded = DECAY**later.updates
        return MovingExtremes(
            low=self.low * faded + later.low,
            high=self.high * faded + later.high,
            updates=self.updates + later.updates,
        )

    @property
    def average(self) -> tuple[float, float]:
        """Moving average of the minima and of the maxima; there must have been an update."""
        # Dividing by the weights' sum is what corrects the bias of a short stream.
        weight = (1 - DECAY**self.updates) / (1 - DECAY)
        return self.low / weight, self.high / weight
