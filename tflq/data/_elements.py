"""From anything that a user calls data to a stream of elements."""

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tflq._errors import UserError
from tflq.data._images import ImageFolder
from tflq.data._sources import DataPath, from_path
from tflq.data._spec import InputSpec
from tflq.data._split import check_counts, check_names, sample_count, to_array

ACCEPTED = (
    "an array of shape (samples, ...), a dict of them by input name, a list, a generator, a "
    "function that returns one, a tf.data.Dataset or a keras.utils.PyDataset"
)


@dataclass(frozen=True, kw_only=True)
class Elements:
    """A stream that may be opened again.

    Attributes:
        read: opens it.
        total: how many samples it has, where that is known without reading it.
        one_shot: it can be read only once.
    """

    read: Callable[[], Iterator[Any]]
    total: int | None = None
    one_shot: bool = False


def open_elements(data: Any, inputs: Sequence[InputSpec], name: str = "data") -> Elements:
    """Recognises data.

    Args:
        data: see `ACCEPTED`; a `DataPath` too.
        inputs: the model's inputs.
        name: how messages call the data.

    Raises:
        UserError: it is nothing of the kind, or does not fit the inputs at first sight.
    """
    if isinstance(data, DataPath):
        data = from_path(data.spec, inputs, images=data.images)
    if isinstance(data, (str, bytes, os.PathLike)):
        raise UserError(f"{name} is {data!r}; wrap a path as tflq.data.DataPath(spec='...').")
    if isinstance(data, type):
        return _called(data, inputs, name)
    if isinstance(data, Mapping):
        check_names(data, inputs, name)
        return _columns(data, inputs, name)
    if isinstance(data, (list, tuple)):
        return _listed(data, inputs, name)
    if is_array(data):
        if len(inputs) > 1:
            names = ", ".join(repr(spec.name) for spec in inputs)
            raise UserError(
                f"{name} is one array, but the model has {len(inputs)} inputs; give a dict with "
                f"the keys {names}."
            )
        return _columns({inputs[0].name: data}, inputs, name)
    return _stream(data, inputs, name)


def is_array(value: Any) -> bool:
    """NumPy arrays, tensors of any library, h5py datasets, pandas frames."""
    return (
        hasattr(value, "__array__") or hasattr(value, "__array_interface__") or _unreadable(value)
    )


def is_indexed(data: Any) -> bool:
    """Keras datasets of either version, and others that are read by index."""
    return hasattr(data, "__getitem__") and (
        hasattr(data, "num_batches") or hasattr(data, "__len__")
    )


def _stream(data: Any, inputs: Sequence[InputSpec], name: str) -> Elements:
    if isinstance(data, ImageFolder):
        return Elements(read=lambda: iter(data), total=len(data))
    if hasattr(data, "element_spec") and hasattr(data, "cardinality"):
        return _tensorflow_dataset(data, inputs, name)
    if is_indexed(data):
        return _indexed(data, name)
    if isinstance(data, Iterable):
        return Elements(read=lambda: iter(data), one_shot=isinstance(data, Iterator))
    if callable(data):
        return _called(data, inputs, name)
    raise UserError(f"{name} is a {type(data).__name__}; give {ACCEPTED}.")


def _listed(data: Sequence[Any], inputs: Sequence[InputSpec], name: str) -> Elements:
    """Elements, unless it is Keras's list of input columns or its tuple (x, y)."""
    if _are_columns(data, inputs):
        return _columns({s.name: v for s, v in zip(inputs, data, strict=True)}, inputs, name)
    # What fits the inputs as x does may be a second batch; only what does not is labels.
    if isinstance(data, tuple) and 2 <= len(data) <= 3:
        x, *others = data
        if _is_dataset(x, inputs) and not any(_is_dataset(other, inputs) for other in others):
            return open_elements(x, inputs, name)
    counts = [sample_count(element, inputs) for element in data]
    known = [count for count in counts if count is not None]
    total = sum(known) if len(known) == len(counts) else None
    return Elements(read=lambda: iter(data), total=total)


def _is_dataset(value: Any, inputs: Sequence[InputSpec]) -> bool:
    if isinstance(value, Mapping):
        return set(value) == {spec.name for spec in inputs}
    return _are_columns(value, inputs) or (len(inputs) == 1 and _is_column(value, inputs[0]))


def _are_columns(value: Any, inputs: Sequence[InputSpec]) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == len(inputs) > 1
        and all(_is_column(item, spec) for item, spec in zip(value, inputs, strict=True))
    )


def _is_column(value: Any, spec: InputSpec) -> bool:
    """An array of samples, judged by its shape."""
    shape = _shape(value)
    return (
        shape is not None
        and len(shape) == spec.batched
        and all(n in (None, m) for n, m in zip(spec.sample_shape, shape[1:], strict=True))
    )


def _columns(columns: Mapping[str, Any], inputs: Sequence[InputSpec], name: str) -> Elements:
    readers, counts = {}, {}
    for spec in inputs:
        where = name if len(inputs) == 1 else f"{name} of input {spec.name!r}"
        readers[spec.name], counts[spec.name] = _column(columns[spec.name], spec, where)
    check_counts(counts, name)
    total = min(counts.values())

    def read() -> Iterator[dict[str, Any]]:
        for index in range(total):
            yield {key: reader(index) for key, reader in readers.items()}

    return Elements(read=read, total=total)


def _column(value: Any, spec: InputSpec, where: str) -> tuple[Callable[[int], Any], int]:
    """Reads one input by sample, so that a file on disk never comes into memory as a whole."""
    if isinstance(value, (list, tuple)):
        return lambda index: value[index], len(value)
    if _unreadable(value) or _shape(value) is None or not hasattr(value, "__getitem__"):
        value = to_array(value, where)
    shape = _shape(value) or ()
    if len(shape) == spec.single:
        return lambda index: value, 1
    if len(shape) != spec.batched:
        wanted = ", ".join("any" if n is None else str(n) for n in spec.sample_shape)
        raise UserError(
            f"{where} has shape {shape}, expected (samples{', ' if wanted else ','}{wanted}); "
            "reshape it."
        )
    return lambda index: value[index : index + 1], shape[0]


def _unreadable(value: Any) -> bool:
    """Tensors without a plain array of values; `to_array` explains them."""
    kinds = ("RaggedTensor", "SparseTensor", "SymbolicTensor", "KerasTensor")
    return type(value).__name__.startswith(kinds)


def _shape(value: Any) -> tuple[int, ...] | None:
    try:
        return tuple(value.shape)
    except (AttributeError, TypeError, ValueError):
        return None


def _tensorflow_dataset(data: Any, inputs: Sequence[InputSpec], name: str) -> Elements:
    length = int(data.cardinality())
    if length == -1:
        raise UserError(f"{name} repeats forever; give {name}.take(n) with as many as you want.")
    each = sample_count(data.element_spec, inputs)
    total = None if length < 0 or each is None else length * each
    return Elements(read=lambda: iter(data), total=total)


def _indexed(data: Any, name: str) -> Elements:
    length = data.num_batches if hasattr(data, "num_batches") else len(data)
    if length is None:
        raise UserError(f"{name} has num_batches=None, so it never ends; give a finite one.")
    return Elements(read=lambda: (data[index] for index in range(length)))


def _called(function: Callable[[], Any], inputs: Sequence[InputSpec], name: str) -> Elements:
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise UserError(
            f"{name} is a function that needs arguments ({error}); give one without."
        ) from error
    except ValueError:
        pass  # Some functions written in C have no signature.

    def read() -> Iterator[Any]:
        result = function()
        if result is None or (callable(result) and not isinstance(result, Iterable)):
            raise UserError(f"{name}() returned {result!r}; let it return or yield the samples.")
        return open_elements(result, inputs, f"{name}()").read()

    return Elements(read=read)
