"""The samples on which the file does worst."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tflq._fidelity import sqnr_db
from tflq.diagnosis._thumbnail import thumbnail

_KEPT = 8


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the two models say in one output, in words."""

    output: str
    floating: str
    quantized: str


@dataclass(frozen=True, kw_only=True)
class WorstSample:
    """A sample on which the file is far from the float model.

    Attributes:
        sample: its place among the samples that judge.
        sqnr_db: of its outputs together, in dB.
        flipped: whether the first answer of an output is another one.
        answers: one an output.
        picture: the first input that looks like one, as a PNG in a data URI; else None.
        numbers: for each other input its shape and statistics.
    """

    sample: int
    sqnr_db: float
    flipped: bool
    answers: tuple[Answer, ...]
    picture: str | None
    numbers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Case:
    sqnr_db: float
    flipped: bool
    inputs: Mapping[str, np.ndarray]
    floating: Sequence[np.ndarray]
    quantized: Sequence[np.ndarray]


class WorstSamples:
    """Keeps eight samples: those with another first answer first, then those of lowest SQNR.

    Args:
        outputs: names of the outputs.
    """

    def __init__(self, outputs: Sequence[str]):
        self._outputs = tuple(outputs)
        self._kept: list[tuple[bool, float, int, _Case]] = []

    def update(
        self,
        sample: int,
        inputs: Mapping[str, np.ndarray],
        floating: Sequence[np.ndarray],
        quantized: Sequence[np.ndarray],
    ) -> None:
        """Adds a sample, without the axis of the batch.

        Args:
            sample: its place; each place comes once.
            inputs: by name.
            floating: the outputs of the float model.
            quantized: those of the file.
        """
        pairs = list(zip(floating, quantized, strict=True))
        signal = sum(float(np.square(f.astype(np.float64)).sum()) for f, _ in pairs)
        noise = sum(float(np.square(f.astype(np.float64) - q).sum()) for f, q in pairs)
        case = _Case(
            sqnr_db=sqnr_db(signal, noise),
            flipped=any(_is_flipped(*pair) for pair in pairs),
            inputs=inputs,
            floating=floating,
            quantized=quantized,
        )
        entry = (case.flipped, -case.sqnr_db, -sample, case)
        if len(self._kept) < _KEPT:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    def result(self) -> tuple[WorstSample, ...]:
        """The worst first."""
        ordered = sorted(self._kept, reverse=True)
        return tuple(self._described(-place, case) for _, _, place, case in ordered)

    def _described(self, sample: int, case: _Case) -> WorstSample:
        pictures = {name: thumbnail(value) for name, value in case.inputs.items()}
        shown = next((name for name, picture in pictures.items() if picture), None)
        triples = zip(self._outputs, case.floating, case.quantized, strict=True)
        return WorstSample(
            sample=sample,
            sqnr_db=case.sqnr_db,
            flipped=case.flipped,
            answers=tuple(
                Answer(output=name, floating=_words(first), quantized=_words(second))
                for name, first, second in triples
            ),
            picture=None if shown is None else pictures[shown],
            numbers=tuple(_statistics(n, v) for n, v in case.inputs.items() if n != shown),
        )


def _has_classes(output: np.ndarray) -> bool:
    return output.ndim == 1 and output.size > 1


def _is_flipped(floating: np.ndarray, quantized: np.ndarray) -> bool:
    return _has_classes(floating) and bool(floating.argmax() != quantized.argmax())


def _words(output: np.ndarray) -> str:
    if output.size == 1:
        return f"{output.item():.4g}"
    if _has_classes(output):
        best = int(output.argmax())
        return f"class {best} ({output[best]:.3g})"
    return f"mean {output.mean():.3g}, {output.min():.3g} to {output.max():.3g}"


def _statistics(name: str, value: np.ndarray) -> str:
    shape = " × ".join(map(str, value.shape)) or "one number"
    if not value.size:
        return f"{name}: {shape}, empty"
    real = value.astype(np.float64)
    return (
        f"{name}: {shape}, {real.min():.3g} to {real.max():.3g}, mean {real.mean():.3g}, "
        f"standard deviation {real.std():.3g}"
    )
