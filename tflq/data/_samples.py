"""The representative dataset, sample by sample."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq.data._elements import Elements, open_elements
from tflq.data._spec import InputSpec
from tflq.data._split import split


class Samples:
    """Checked samples, read while they are iterated over.

    Iterating yields one `dict[str, np.ndarray]` a sample: for every input name a C-contiguous
    array of shape (1, ...) with the input's dtype, which the caller may keep.

    Attributes:
        total: how many there are, or None where that is not known before reading them.
    """

    def __init__(self, elements: Elements, inputs: Sequence[InputSpec]):
        self._elements = elements
        self._inputs = tuple(inputs)
        self._started = False
        self.total: int | None = elements.total

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        if self._started and self._elements.one_shot:
            raise UserError(
                "data is a generator and has been read already; give a list, a tf.data.Dataset "
                "or a function that returns a generator."
            )
        self._started = True
        count = 0
        for element in self._elements.read():
            for sample in split(element, self._inputs, count):
                yield sample
                count += 1
        if count == 0:
            raise UserError("data yields no sample; give at least one, 100 or more are better.")


def samples(data: Any, inputs: Sequence[InputSpec]) -> Samples:
    """Opens a representative dataset.

    It is streamed: memory does not grow with the number of samples.

    Args:
        data: an array of shape (samples, ...), or one sample without that dimension, of NumPy
            or any other library, in memory or on disk; a dict of them by input name, or for
            several inputs a list in their order; a list, iterable, generator, or function
            without arguments that returns one, of elements; a `tf.data.Dataset`; a
            `keras.utils.PyDataset`; a `DataPath`. An element is an array, a dict by input name
            or a tuple in the order of the inputs, one sample or a batch, alone or in Keras's
            (x, y) and (x, y, sample_weight).
        inputs: the model's inputs, in order.

    Returns:
        Samples that can be iterated over as often as `data` can.

    Raises:
        UserError: data is not one of these, or, while iterating, a sample does not fit: shape,
            dtype, NaN, infinity, a value that the input's dtype cannot hold, or none at all.

    Example:
        >>> spec = InputSpec("x", (None, 2), np.float32)
        >>> found = samples(np.array([[1, 2], [3, 4]]), [spec])
        >>> found.total
        2
        >>> next(iter(found))
        {'x': array([[1., 2.]], dtype=float32)}
    """
    if not inputs:
        raise UserError("the model has no inputs, so it takes no data.")
    return Samples(open_elements(data, inputs), inputs)
