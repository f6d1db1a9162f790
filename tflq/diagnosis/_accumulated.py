"""How far a file's activations have drifted from the float ones, layer by layer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tflq._candidate import Candidate
from tflq._fidelity import sqnr_db
from tflq._verify import Sample
from tflq.diagnosis._numbers import rounded
from tflq.tflite_side import paired_activations


@dataclass(frozen=True, kw_only=True)
class AccumulatedError:
    """The error of one activation in the file, all that was before it included.

    Attributes:
        sqnr_db: of the activation against the float one, in dB.
        bias: mean error of each channel, E[file - float] (equation (17) of the paper).
        bias_share: share of the error's energy that is such a constant, beyond what chance makes
            of as many values.
    """

    sqnr_db: float
    bias: tuple[float, ...]
    bias_share: float


def accumulated_errors(
    candidate: Candidate, content: bytes, samples: Iterable[Sample], tensors: Sequence[int]
) -> dict[int, AccumulatedError]:
    """Compares activations of the file with those of the float model.

    Args:
        candidate: the float model.
        content: the file made of it.
        samples: to run both on.
        tensors: indices of activations of the float model.

    Returns:
        By tensor index; an activation that the file does not have is left out.
    """
    sums: dict[int, _Sums] = {}
    pairs = paired_activations(
        candidate.plain.content, content, samples, candidate.source.inputs, tensors
    )
    for index, wanted, came in pairs:
        sums.setdefault(index, _Sums()).add(wanted.astype(np.float64), came)
    return {index: found.error() for index, found in sums.items()}


class _Sums:
    """Streams over pairs of one activation."""

    def __init__(self) -> None:
        self._signal = self._noise = 0.0
        self._bias: np.ndarray = np.zeros(1)
        self._count = 0

    def add(self, wanted: np.ndarray, came: np.ndarray) -> None:
        channels = wanted.shape[-1] if wanted.ndim else 1
        error = (came - wanted).reshape(-1, channels)
        self._signal += float(np.square(wanted).sum())
        self._noise += float(np.square(error).sum())
        self._bias = self._bias + error.sum(axis=0)
        self._count += len(error)

    def error(self) -> AccumulatedError:
        bias = self._bias / max(self._count, 1)
        constant = float(np.square(bias).sum()) * self._count / (self._noise or 1.0)
        # Of errors that have nothing in common, the mean of n keeps 1 / n of the energy.
        chance = 1 / max(self._count, 1)
        return AccumulatedError(
            sqnr_db=sqnr_db(self._signal, self._noise),
            bias=rounded(bias),
            bias_share=max(0.0, (constant - chance) / (1 - chance)) if chance < 1 else 0.0,
        )
