"""From a Keras model to a float .tflite."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._float_model import FloatModel, Reference
from tflq._quiet import quiet
from tflq._reasons import quantizer_reason
from tflq.data import InputSpec
from tflq.keras_side._kind import keras_kind
from tflq.keras_side._layers import layer_resolver
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
    inputs = tuple(with_batch(spec, batch_size) for spec in signature.inputs)
    import tensorflow as tf

    def forward(*tensors: Any) -> list[Any]:
        # An output that is also an input, or given twice, needs a tensor of its own.
        return [tf.identity(value) for value in tf.nest.flatten(signature.call(tensors))]

    source = source or f"Keras model {model.name!r}"
    refuse_odd_names(model, source)
    try:
        function = traced(forward, inputs)
    except UserError:
        raise
    except Exception as error:
        # Whatever the code of a layer raises.
        raise UserError(untraceable(error, model, inputs, source)) from error
    tflite, outputs = convert(function, source)
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


def _require_tensorflow(model: Any) -> None:
    if keras_kind(model) != "keras":
        return
    import keras

    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"Keras runs on {keras.backend.backend()!r}; a .tflite is made from TensorFlow. Set "
            "KERAS_BACKEND=tensorflow, load the model again (model.save keeps it), export it."
        )


def with_batch(spec: InputSpec, batch_size: int | None) -> InputSpec:
    """The input with this batch where the model leaves it open."""
    if not spec.shape or spec.shape[0] is not None:
        return spec
    return InputSpec(name=spec.name, shape=(batch_size, *spec.shape[1:]), dtype=spec.dtype)


def traced(forward: Callable[..., Any], inputs: Sequence[InputSpec]) -> Any:
    """A function of tensors as a graph."""
    import tensorflow as tf

    specs = [
        tf.TensorSpec(spec.shape, spec.dtype, name=f"input_{i}") for i, spec in enumerate(inputs)
    ]
    return tf.function(forward, autograph=False).get_concrete_function(*specs)


def convert(function: Any, source: str) -> tuple[bytes, int]:
    """A graph as a .tflite, and how many outputs it has.

    Raises:
        UserError: TensorFlow Lite lacks one of its ops.
    """
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
