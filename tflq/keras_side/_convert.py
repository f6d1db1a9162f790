"""From a Keras model or a SavedModel to a float .tflite."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._float_model import FloatModel, Reference
from tflq._quiet import quiet
from tflq._reasons import keras_reason, quantizer_reason
from tflq._signatures import choose_signature
from tflq.data import InputSpec
from tflq.keras_side._graph_effects import UnsafeGraphError
from tflq.keras_side._kind import keras_kind
from tflq.keras_side._layers import layer_resolver
from tflq.keras_side._load import SAFE
from tflq.keras_side._saved_model_guard import check_saved_model
from tflq.keras_side._scopes import refuse_odd_names
from tflq.keras_side._signature import Signature, read_signature
from tflq.keras_side._untraceable import untraceable


def from_keras(
    model: Any,
    *,
    batch_size: int | None = 1,
    dtypes: Mapping[str, np.dtype] | np.dtype | None = None,
    source: str | None = None,
) -> FloatModel:
    """Converts a Keras 3 or tf_keras model.

    Args:
        model: functional, Sequential, or subclassed and built.
        batch_size: the file's batch where the model leaves it open; None leaves it open too.
        dtypes: dtypes of the data, for subclassed models.
        source: how messages call the model; default its name.

    Raises:
        UserError: the model is not built, does not run on TensorFlow, or has ops that
            TensorFlow Lite lacks.
    """
    _require_tensorflow(model)
    signature = read_signature(model, dtypes)
    inputs = tuple(_with_batch(spec, batch_size) for spec in signature.inputs)
    import tensorflow as tf

    def forward(*tensors: Any) -> list[Any]:
        # An output that is also an input, or given twice, needs a tensor of its own.
        return [tf.identity(value) for value in tf.nest.flatten(signature.call(tensors))]

    source = source or f"Keras model {model.name!r}"
    refuse_odd_names(model, source)
    try:
        function = _traced(forward, inputs)
    except UserError:
        raise
    except Exception as error:
        # Whatever the code of a layer raises.
        raise UserError(untraceable(error, model, inputs, source)) from error
    tflite, outputs = _convert(function, source)
    names = _unique(getattr(model, "output_names", None) or [], outputs)
    return FloatModel(
        tflite=tflite,
        inputs=inputs,
        outputs=names,
        reference=_reference(signature, inputs),
        layer_of=layer_resolver(model),
        source=source,
    )


def keras_reference(model: Any, inputs: Sequence[InputSpec]) -> Reference:
    """Evaluates a Keras model on samples of named inputs."""
    return _reference(read_signature(model, None), inputs)


def _reference(signature: Signature, inputs: Sequence[InputSpec]) -> Reference:
    import tensorflow as tf

    def reference(sample: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        tensors = [tf.constant(sample[spec.name]) for spec in inputs]
        return [np.asarray(value) for value in tf.nest.flatten(signature.call(tensors))]

    return reference


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
    loaded = _load(path, source, safe_mode)
    signatures = getattr(loaded, "signatures", {})
    computed = {key: _computed(function) for key, function in signatures.items()}
    key = choose_signature(computed, signature, name=source)
    if key is None:
        raise UserError(f"{source} has no signature; save it with model.export(folder).")
    serve = signatures[key]
    specs = serve.structured_input_signature[1]
    inputs = tuple(
        _with_batch(
            InputSpec(
                name=name, shape=tuple(spec.shape.as_list()), dtype=spec.dtype.as_numpy_dtype
            ),
            batch_size,
        )
        for name, spec in specs.items()
    )
    names = tuple(serve.structured_outputs)

    def forward(*tensors: Any) -> list[Any]:
        # By what was loaded: a signature alone does not keep its variables.
        outputs = loaded.signatures[key](
            **{spec.name: t for spec, t in zip(inputs, tensors, strict=True)}
        )
        return [tf.identity(outputs[name]) for name in names]

    def reference(sample: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [t.numpy() for t in forward(*(tf.constant(sample[s.name]) for s in inputs))]

    tflite, _ = _convert(_traced(forward, inputs), source)
    return FloatModel(
        tflite=tflite,
        inputs=inputs,
        outputs=names,
        signature=key,
        reference=reference,
        source=source,
    )


def _load(path: str, source: str, safe_mode: bool) -> Any:
    import tensorflow as tf

    try:
        if safe_mode:
            check_saved_model(path)
        return tf.saved_model.load(path)
    except UnsafeGraphError as error:
        raise UserError(f"{source} {error}; {SAFE}") from error
    except Exception as error:
        raise UserError(
            f"{source} cannot be loaded: {keras_reason(error)}; export it again."
        ) from error


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


def _require_tensorflow(model: Any) -> None:
    if keras_kind(model) != "keras":
        return
    import keras

    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"Keras runs on {keras.backend.backend()!r}; a .tflite is made from TensorFlow. Set "
            "KERAS_BACKEND=tensorflow, load the model again (model.save keeps it), export it."
        )


def _with_batch(spec: InputSpec, batch_size: int | None) -> InputSpec:
    if not spec.shape or spec.shape[0] is not None:
        return spec
    return InputSpec(name=spec.name, shape=(batch_size, *spec.shape[1:]), dtype=spec.dtype)


def _traced(forward: Callable[..., Any], inputs: Sequence[InputSpec]) -> Any:
    import tensorflow as tf

    specs = [
        tf.TensorSpec(spec.shape, spec.dtype, name=f"input_{i}") for i, spec in enumerate(inputs)
    ]
    return tf.function(forward, autograph=False).get_concrete_function(*specs)


def _convert(function: Any, source: str) -> tuple[bytes, int]:
    import tensorflow as tf

    try:
        with quiet():
            converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
            return converter.convert(), len(function.outputs)
    except Exception as error:
        # The converter raises several private types; its message tells what to do.
        raise UserError(f"{source} cannot become a .tflite: {_explain(str(error))}") from error


def _explain(message: str) -> str:
    for pattern, advice in (
        (r"Select TF ops?: ([^\n]*)|TF Select ops: ([^\n]*)", "TensorFlow Lite has no kernel"),
        (r"Custom ops: ([^\n]*)", "TensorFlow Lite does not know them"),
    ):
        found = re.search(pattern, message)
        if found:
            ops = next(group for group in found.groups() if group)
            return (
                f"unsupported op(s) {ops.strip()}: {advice}; replace the layers that use them, "
                "or build recurrent layers with unroll=True."
            )
    return quantizer_reason(message)


def _unique(names: Sequence[str], count: int) -> tuple[str, ...]:
    if len(names) != count:
        return tuple(f"output_{i}" for i in range(count)) if count > 1 else ("output",)
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name] - 1}")
    return tuple(unique)
