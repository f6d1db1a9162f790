"""A sum of floats that does not depend on their order, nor on how they were split."""

import math
from collections.abc import Iterable


class ExactSum:
    """Floats that do not overlap and whose sum is exactly that of all that was added.

    Shewchuk's algorithm, of which `math.fsum` is the last step: rounding happens once, when the
    value is asked for. So sums of shards, merged, are the sum of the whole, bit for bit.

    Args:
        terms: what is added first.

    Example:
        >>> ExactSum([1e100, 1.0, -1e100]).value
        1.0
        >>> ExactSum([0.1]).merge(ExactSum([0.2, 0.3])).value == ExactSum([0.3, 0.1, 0.2]).value
        True
    """

    def __init__(self, terms: Iterable[float] = ()):
        self._parts: list[float] = []
        for term in terms:
            self.add(term)

    def add(self, term: float) -> None:
        """Adds a finite number."""
        kept = []
        for part in self._parts:
            larger, smaller = (term, part) if abs(term) > abs(part) else (part, term)
            term = larger + smaller
            rest = smaller - (term - larger)
            if rest:
                kept.append(rest)
        self._parts = [*kept, term]

    def merge(self, other: "ExactSum") -> "ExactSum":
        """A new sum of both."""
        return ExactSum([*self._parts, *other._parts])

    @property
    def value(self) -> float:
        """The sum, rounded to the nearest float."""
        return math.fsum(self._parts)
