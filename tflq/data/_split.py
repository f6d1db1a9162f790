"""From one element of a dataset to the samples in it.

An element is what a dataset yields: an array, a dict by input name, or a tuple as Keras has it,
with or without labels, one sample or a batch of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq.data._cast import cast, check_dtype
from tflq.data._spec import InputSpec


def split(element: Any, inputs: Sequence[InputSpec], first: int) -> Iterator[dict[str, np.ndarray]]:
    """The samples of one element.

    Args:
        element: see above.
        inputs: the model's inputs, in order.
        first: index of the element's first sample, for messages.

    Yields:
        One array of shape (1, ...) for every input name.

    Raises:
        UserError: the element does not fit the inputs.
    """
    values = pick(element, inputs, f"sample {first}")
    arrays = {spec.name: _batch(values[spec.name], spec, first) for spec in inputs}
    counts = {name: len(array) for name, array in arrays.items()}
    check_counts(counts, f"the batch that starts at sample {first}")
    for place in range(min(counts.values())):
        yield {
            spec.name: _sample(arrays[spec.name][place : place + 1], spec, first + place)
            for spec in inputs
        }


def pick(element: Any, inputs: Sequence[InputSpec], where: str) -> dict[str, Any]:
    """Finds the inputs in an element and drops labels and sample weights.

    Raises:
        UserError: the element's structure is not that of the inputs.
    """
    if isinstance(element, Mapping):
        check_names(element, inputs, where)
        return {spec.name: element[spec.name] for spec in inputs}
    if _is_structure(element):
        return _pick_in_sequence(element, inputs, where)
    if len(inputs) > 1:
        raise UserError(
            f"{where} is one {type(element).__name__}, but the model has {len(inputs)} inputs; "
            f"give a dict with the keys {_quoted(spec.name for spec in inputs)}."
        )
    return {inputs[0].name: element}


def check_names(names: Iterable[Any], inputs: Sequence[InputSpec], where: str) -> None:
    """Requires exactly the names of the inputs.

    Raises:
        UserError: one is missing or unknown.
    """
    expected = [spec.name for spec in inputs]
    if set(names) != set(expected):
        raise UserError(
            f"{where} has the keys {_quoted(names)}, but the inputs are {_quoted(expected)}; "
            "give exactly these, and labels not in the dict but as (inputs, labels)."
        )


def check_counts(counts: Mapping[str, int], where: str) -> None:
    """Requires as many samples for one input as for another.

    Raises:
        UserError: they differ.
    """
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{count} for {name!r}" for name, count in counts.items())
        raise UserError(f"{where} has different numbers of samples ({listed}); make them equal.")


def to_array(value: Any, where: str) -> np.ndarray:
    """A NumPy array of numbers.

    Raises:
        UserError: it cannot become one.
    """
    if type(value).__name__.startswith(("RaggedTensor", "SparseTensor")):
        raise UserError(
            f"{where} is a {type(value).__name__}; make it dense first, for instance with "
            ".to_tensor(shape=...) or tf.sparse.to_dense."
        )
    try:
        array = np.asarray(value)
    except Exception as error:
        # Tensors of other libraries raise what they like, such as for memory on a GPU.
        raise UserError(
            f"{where} is a {type(value).__name__} that cannot become a NumPy array ({error}); "
            "give arrays of equal shape."
        ) from error
    check_dtype(array.dtype, where)
    return array


def sample_count(element: Any, inputs: Sequence[InputSpec]) -> int | None:
    """How many samples an element (or its tf.TypeSpec) holds, judged by shapes alone."""
    try:
        value = pick(element, inputs, "")[inputs[0].name]
        shape = tuple(value.shape)
    except (UserError, AttributeError, ValueError, TypeError):
        # Whatever is wrong with the element is said when it is read.
        return None
    if len(shape) == inputs[0].single:
        return 1
    return shape[0] if len(shape) == inputs[0].batched else None


def _pick_in_sequence(
    items: Sequence[Any], inputs: Sequence[InputSpec], where: str
) -> dict[str, Any]:
    # (x,), (x, y) and (x, y, sample_weight), as Keras has them.
    keras_like = 1 <= len(items) <= 3
    if keras_like and (isinstance(items[0], Mapping) or _is_structure(items[0])):
        return pick(items[0], inputs, where)
    if keras_like and len(inputs) == 1:
        return {inputs[0].name: items[0]}
    if len(items) != len(inputs):
        raise UserError(
            f"{where} is a {type(items).__name__} of {len(items)}, but the model has "
            f"{len(inputs)} input(s); give a dict with the keys "
            f"{_quoted(spec.name for spec in inputs)}, or (inputs, labels)."
        )
    return {spec.name: item for spec, item in zip(inputs, items, strict=True)}


def _is_structure(value: Any) -> bool:
    """A tuple or list of arrays, not a nested list of numbers, which is an array itself."""
    if not isinstance(value, (list, tuple)):
        return False
    if isinstance(value, tuple):
        return True
    leaf: Any = value
    while isinstance(leaf, (list, tuple)) and leaf:
        leaf = leaf[0]
    return not isinstance(leaf, (Number, np.generic))


def _batch(value: Any, spec: InputSpec, first: int) -> np.ndarray:
    """The value with a batch dimension, which the rank tells from a single sample."""
    where = _place(first, spec)
    array = to_array(value, where)
    if array.ndim == spec.single:
        return array[np.newaxis]
    if array.ndim != spec.batched:
        raise _wrong_shape(array.shape, spec, where)
    return array


def _sample(array: np.ndarray, spec: InputSpec, index: int) -> np.ndarray:
    where = _place(index, spec)
    shape = array.shape[1:]
    fits = all(
        came == wanted or (wanted is None and came > 0)
        for came, wanted in zip(shape, spec.sample_shape, strict=True)
    )
    if not fits:
        raise _wrong_shape(shape, spec, where)
    return cast(array, spec, where)


def _wrong_shape(shape: tuple[int, ...], spec: InputSpec, where: str) -> UserError:
    expected = ", ".join("any" if n is None else str(n) for n in spec.sample_shape)
    comma = "," if spec.single == 1 else ""
    return UserError(
        f"{where} has shape {shape}, expected ({expected}{comma}), or a batch of that; reshape "
        "or resize the data."
    )


def _place(index: int, spec: InputSpec) -> str:
    return f"sample {index} of input {spec.name!r}"


def _quoted(names: Iterable[Any]) -> str:
    return ", ".join(repr(name) for name in names) or "(none)"
