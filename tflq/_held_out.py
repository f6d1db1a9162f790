"""Keeps some samples out of calibration, to judge the result on what it has not seen."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

Sample = Mapping[str, np.ndarray]

# Every tenth sample is held out, fifty at most: they are kept in memory.
_EVERY = 10
_KEPT = 50


class HeldOut:
    """Splits a stream: iterating gives the samples for calibration.

    Args:
        samples: the representative dataset; one that can be read again makes this so too.
        hold_out: False where other samples are given for judging.

    Attributes:
        calibrated: how many samples went to calibration; a batch counts as what it holds.
    """

    def __init__(self, samples: Iterable[Sample], *, hold_out: bool):
        self._samples = samples
        self._hold_out = hold_out
        self._held: list[Sample] = []
        self._first: list[Sample] = []
        self.calibrated = 0

    def __iter__(self) -> Iterator[Sample]:
        held: list[Sample] = []
        first: list[Sample] = []
        calibrated = 0
        for index, sample in enumerate(self._samples):
            if self._hold_out and index % _EVERY == _EVERY - 1 and len(held) < _KEPT:
                held.append(sample)
                continue
            if self._hold_out and len(first) < _EVERY:
                first.append(sample)
            calibrated += next(iter(sample.values())).shape[0]
            yield sample
        self._held, self._first, self.calibrated = held, first, calibrated

    @property
    def verification(self) -> str:
        """Which samples are kept: "held-out", or "calibration" where there were too few."""
        return "held-out" if self._held else "calibration"

    @property
    def kept(self) -> list[Sample]:
        """The samples to judge with."""
        return self._held or self._first
