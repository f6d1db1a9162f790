"""What a Keras model takes and gives: names, shapes, dtypes, and how to call it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq.data import InputSpec


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The calling convention of one model.

    Attributes:
        inputs: one spec an input; the batch is None unless the model fixes it.
        call: takes the input tensors in that order, returns the model's output structure.
    """

    inputs: tuple[InputSpec, ...]
    call: Callable[[Sequence[Any]], Any]


def read_signature(model: Any, dtypes: Mapping[str, np.dtype] | np.dtype | None) -> Signature:
    """Reads the signature of a Keras 3 or tf_keras model.

    Args:
        model: functional, Sequential, or subclassed and called once.
        dtypes: dtypes of the user's data, for subclassed models, which do not know their own;
            by input name or, for one input, alone.

    Raises:
        UserError: the model has never been built.
    """
    if getattr(model, "inputs", None):
        return _symbolic(model)
    return _subclassed(model, dtypes)


def _symbolic(model: Any) -> Signature:
    tensors = list(model.inputs)
    structure = model.input if _is_functional(model) else tensors[0]
    keys: list[str] | None = None
    if isinstance(structure, dict):
        by_tensor = {id(tensor): key for key, tensor in structure.items()}
        keys = [by_tensor[id(tensor)] for tensor in tensors]
    names = keys or _input_names(model, tensors)
    specs = tuple(
        InputSpec(name=name, shape=tuple(t.shape), dtype=_numpy_dtype(t.dtype))
        for name, t in zip(names, tensors, strict=True)
    )

    def call(values: Sequence[Any]) -> Any:
        if keys is not None:
            return model(dict(zip(keys, values, strict=True)), training=False)
        single = not isinstance(structure, (list, tuple))
        return model(values[0] if single else list(values), training=False)

    return Signature(inputs=specs, call=call)


def _is_functional(model: Any) -> bool:
    return any(base.__name__ == "Functional" for base in type(model).__mro__) and not any(
        base.__name__ == "Sequential" for base in type(model).__mro__
    )


def _input_names(model: Any, tensors: Sequence[Any]) -> list[str]:
    """Names of the Input layers: those that the user wrote, or that `summary()` shows."""
    if getattr(model, "input_names", None):
        return list(model.input_names)
    layers = {id(layer.output): layer.name for layer in model.layers if _is_input(layer)}
    return [layers.get(id(tensor), tensor.name) for tensor in tensors]


def _is_input(layer: Any) -> bool:
    return type(layer).__name__ == "InputLayer"


def _subclassed(model: Any, dtypes: Mapping[str, np.dtype] | np.dtype | None) -> Signature:
    config = (model.get_build_config() or {}) if model.built else {}
    shapes = config.get("input_shape") or config.get("shapes_dict")
    if shapes is None:
        raise UserError(
            f"model {model.name!r} has never been built, so its input shapes are unknown; "
            "call it on one batch first: model(batch)."
        )
    keyword = "input_shape" not in config
    if isinstance(shapes, dict):
        keys = [key.removesuffix("_shape") if keyword else key for key in shapes]
        specs = tuple(
            _guessed(key, shape, dtypes) for key, shape in zip(keys, shapes.values(), strict=True)
        )

        def call(values: Sequence[Any]) -> Any:
            named = dict(zip(keys, values, strict=True))
            return model(**named, training=False) if keyword else model(named, training=False)

        return Signature(inputs=specs, call=call)
    several = bool(shapes) and isinstance(shapes[0], (tuple, list))
    listed = list(shapes) if several else [shapes]
    names = [f"input_{i}" for i in range(len(listed))] if several else ["input"]
    specs = tuple(_guessed(n, s, dtypes) for n, s in zip(names, listed, strict=True))
    return Signature(
        inputs=specs,
        call=lambda values: model(list(values) if several else values[0], training=False),
    )


def _guessed(
    name: str, shape: Sequence[int | None], dtypes: Mapping[str, np.dtype] | np.dtype | None
) -> InputSpec:
    found = dtypes.get(name) if isinstance(dtypes, Mapping) else dtypes
    # Data on disk is often float64 or uint8; only integer ids of 32 bits or more are kept.
    integer = found is not None and found.kind == "i" and found.itemsize >= 4
    return InputSpec(
        name=name,
        shape=(None, *shape[1:]),
        dtype=np.dtype(np.int32 if integer else np.float32),
    )


def _numpy_dtype(dtype: Any) -> np.dtype:
    found: np.dtype = np.dtype(getattr(dtype, "as_numpy_dtype", dtype))
    return found
