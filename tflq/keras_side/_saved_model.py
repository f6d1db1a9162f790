"""From a SavedModel to a float .tflite."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._float_model import FloatModel
from tflq._reasons import keras_reason
from tflq._signatures import choose_signature
from tflq.data import InputSpec
from tflq.keras_side._convert import convert, traced, with_batch
from tflq.keras_side._graph_effects import UnsafeGraphError
from tflq.keras_side._load import SAFE
from tflq.keras_side._saved_model_guard import check_saved_model


def from_saved_model(
    path: str,
    *,
    batch_size: int | None = 1,
    signature: str | None = None,
    safe_mode: bool = True,
) -> FloatModel:
    """Converts one signature of a SavedModel folder.

    Args:
        path: the folder.
        batch_size: the file's batch where the model leaves it open; None leaves it open too.
        signature: name of the signature; default the only one.
        safe_mode: refuse graphs that do more than compute with tensors.

    Raises:
        UserError: the folder is unsafe, holds no such signature, or several and none is chosen,
            or ops that TensorFlow Lite lacks.
    """
    import tensorflow as tf

    source = f"SavedModel {path!r}"
    loaded, computed = _load(path, source, safe_mode)
    key = choose_signature(computed, signature, name=source)
    if key is None:
        raise UserError(f"{source} has no signature; save it with model.export(folder).")
    inputs = tuple(with_batch(spec, batch_size) for spec in _inputs(loaded.signatures[key]))
    names = tuple(loaded.signatures[key].structured_outputs)

    def forward(*tensors: Any) -> list[Any]:
        # By what was loaded: a signature alone does not keep its variables.
        outputs = loaded.signatures[key](
            **{spec.name: t for spec, t in zip(inputs, tensors, strict=True)}
        )
        return [tf.identity(outputs[name]) for name in names]

    def reference(sample: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [t.numpy() for t in forward(*(tf.constant(sample[s.name]) for s in inputs))]

    try:
        function = traced(forward, inputs)
    except Exception as error:
        # Whatever the ops of the graph say of their inputs.
        raise _unusable(source, error) from error
    tflite, _ = convert(function, source)
    return FloatModel(
        tflite=tflite,
        inputs=inputs,
        outputs=names,
        signature=key,
        reference=reference,
        source=source,
    )


def _load(path: str, source: str, safe_mode: bool) -> tuple[Any, dict[str, Hashable]]:
    """What TensorFlow loads, and by name of each signature, what it computes."""
    import tensorflow as tf

    try:
        if safe_mode:
            check_saved_model(path)
        loaded = tf.saved_model.load(path)
        signatures = getattr(loaded, "signatures", {})
        return loaded, {key: _computed(function) for key, function in signatures.items()}
    except UnsafeGraphError as error:
        raise UserError(f"{source} {error}; {SAFE}") from error
    except Exception as error:
        # TensorFlow believes what the file says of its objects until it uses them.
        raise _unusable(source, error) from error


def _unusable(source: str, error: Exception) -> UserError:
    return UserError(f"{source} cannot be loaded: {keras_reason(error)}; export it again.")


def _inputs(function: Any) -> list[InputSpec]:
    return [
        InputSpec(name=name, shape=tuple(spec.shape.as_list()), dtype=spec.dtype.as_numpy_dtype)
        for name, spec in function.structured_input_signature[1].items()
    ]


def _computed(function: Any) -> Hashable:
    """The same for signatures that call one function, with the same variables and names."""
    graph = function.graph.as_graph_def()
    called = tuple(node.attr["f"].func.name for node in graph.node if "f" in node.attr)
    specs = function.structured_input_signature[1]
    return (
        called or graph.SerializeToString(deterministic=True),
        frozenset(id(captured) for captured in function.captured_inputs),
        frozenset((name, str(spec.shape), spec.dtype) for name, spec in specs.items()),
        frozenset(function.structured_outputs),
    )
