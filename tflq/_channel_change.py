"""One number a channel, before and after a step."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ChannelChange:
    """One number for each output channel of a layer.

    Attributes:
        before: as it was.
        after: what a step made of it.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def spread(self) -> float:
        """How unlike the channels were: the largest magnitude over the median one."""
        magnitudes = np.abs(self.before)
        return float(magnitudes.max() / max(float(np.median(magnitudes)), 1e-12))


def changes(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]
) -> dict[str, ChannelChange]:
    """Pairs the arrays of layers that both know, shape (channels,) each."""
    return {
        name: ChannelChange(before=tuple(array.tolist()), after=tuple(after[name].tolist()))
        for name, array in before.items()
        if name in after and len(after[name]) == len(array)
    }
