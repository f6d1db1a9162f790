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

    def beside(self, other: "MovingExtremes") -> "MovingExtremes":
        """The wider of two streams that run side by side, such as the inputs of a concat."""
        if not (self.updates and other.updates):
            return self if self.updates else other
        updates = max(self.updates, other.updates)
        (low, high), (other_low, other_high) = self.average, other.average
        weight = _weight(updates)
        return MovingExtremes(
            low=min(low, other_low) * weight, high=max(high, other_high) * weight, updates=updates
        )

    @property
    def average(self) -> tuple[float, float]:
        """Moving average of the minima and of the maxima; there must have been an update."""
        # Dividing by the weights' sum is what corrects the bias of a short stream.
        weight = _weight(self.updates)
        return self.low / weight, self.high / weight


def _weight(updates: int) -> float:
    """What the weights of that many updates add up to."""
    return (1 - DECAY**updates) / (1 - DECAY)
