"""Which classes the file takes for which others."""

from collections import Counter
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ConfusedPair:
    """A class of the float model, what the file said instead, and how often."""

    floating: int
    quantized: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """First answers of the two models.

    Attributes:
        output: whose classes these are.
        agreed: answers that are the same.
        judged: all answers; more than one a sample for maps.
        pairs: the others, the most frequent first.
    """

    output: str
    agreed: int
    judged: int
    pairs: tuple[ConfusedPair, ...]


class ConfusionCounter:
    """Counts first answers of one output.

    Args:
        output: its name.

    Example:
        >>> counter = ConfusionCounter("logits")
        >>> counter.update(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]))
        >>> counter.result().pairs
        (ConfusedPair(floating=1, quantized=0, count=1),)
    """

    def __init__(self, output: str):
        self._output = output
        self._agreed = self._judged = 0
        self._pairs: Counter[tuple[int, int]] = Counter()

    def update(self, floating: np.ndarray, quantized: np.ndarray) -> None:
        """Adds the two outputs of one sample; nothing where they have no classes."""
        if floating.ndim == 0 or floating.shape[-1] < 2:
            return
        first, second = floating.argmax(-1).reshape(-1), quantized.argmax(-1).reshape(-1)
        differ = first != second
        self._judged += first.size
        self._agreed += first.size - int(differ.sum())
        self._pairs.update(zip(first[differ].tolist(), second[differ].tolist(), strict=True))

    def result(self) -> Confusion | None:
        """What was counted; None for an output without classes."""
        if not self._judged:
            return None
        ordered = sorted(self._pairs.items(), key=lambda entry: (-entry[1], entry[0]))
        return Confusion(
            output=self._output,
            agreed=self._agreed,
            judged=self._judged,
            pairs=tuple(
                ConfusedPair(floating=a, quantized=b, count=count) for (a, b), count in ordered
            ),
        )
