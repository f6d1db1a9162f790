"""What the two models answer, sample by sample."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tflq._float_model import FloatModel
from tflq._verify import Sample
from tflq.diagnosis._confusion import Confusion, ConfusionCounter
from tflq.diagnosis._worst import WorstSample, WorstSamples
from tflq.tflite_side import Runner

_Row = tuple[Mapping[str, np.ndarray], Sequence[np.ndarray], Sequence[np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """How the file's answers differ from the float model's.

    Attributes:
        confusions: of each output that has classes.
        worst: the samples on which it does worst.
    """

    confusions: tuple[Confusion, ...]
    worst: tuple[WorstSample, ...]


def compare_answers(
    source: FloatModel, floating: bytes, quantized: bytes, samples: Iterable[Sample]
) -> Answers:
    """Runs both files on the samples.

    Args:
        source: says how inputs and outputs are called.
        floating: the float file.
        quantized: the file made of it.
        samples: arrays by input name, with the axis of the batch.
    """
    first, second = (Runner(content, inputs=source.inputs) for content in (floating, quantized))
    counters = [ConfusionCounter(name) for name in source.outputs]
    worst = WorstSamples(source.outputs)
    place = 0
    for batch in samples:
        wanted, came = first.run(batch), second.run(batch)
        for counter, *pair in zip(counters, wanted, came, strict=True):
            counter.update(*pair)
        for row in _rows(batch, wanted, came):
            worst.update(place, *row)
            place += 1
    found = (counter.result() for counter in counters)
    return Answers(confusions=tuple(c for c in found if c), worst=worst.result())


def _rows(
    batch: Sample, wanted: Sequence[np.ndarray], came: Sequence[np.ndarray]
) -> Iterator[_Row]:
    """The samples of a batch; the batch itself where an output is not of one sample each."""
    arrays = [*batch.values(), *wanted, *came]
    sizes = {array.shape[0] if array.ndim else 0 for array in arrays}
    if len(sizes) != 1 or 0 in sizes:
        yield batch, wanted, came
        return
    for row in range(sizes.pop()):
        yield (
            {name: value[row] for name, value in batch.items()},
            [value[row] for value in wanted],
            [value[row] for value in came],
        )
