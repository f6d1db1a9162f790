"""Layers of tf_keras as the layers of Keras 3 that they are."""

import inspect
from typing import Any

import keras

from tflq._errors import UserError
from tflq._reasons import keras_reason
from tflq.keras_side import KerasGraph, Layer


def port(graph: KerasGraph) -> None:
    """Rebuilds a graph of tf_keras layers from Keras 3 layers, in place; others stay.

    Raises:
        UserError: a layer has no counterpart.
    """
    if graph.kind == "keras":
        return
    graph.kind = "keras"
    for layer in graph.calls():
        made = _counterpart(layer)
        layer.cls, layer.config, layer.source = type(made), made.get_config(), made


def _counterpart(layer: Layer) -> Any:
    cls = getattr(keras.layers, layer.kind, None)
    advice = (
        "save the architecture anew with Keras 3, or export without training: "
        "tflq.export(model, path, data=...)."
    )
    if cls is None or layer.config is None:
        raise UserError(
            f"layer {layer.name!r} is a {layer.cls.__name__} of tf_keras, and Keras 3 has no such "
            f"layer; {advice}"
        )
    try:
        return cls.from_config(_ported(layer.kind, layer.config))
    except Exception as error:
        # from_config raises whatever a layer's __init__ does.
        raise UserError(
            f"layer {layer.name!r} ({layer.kind}) of tf_keras cannot be rebuilt in Keras 3: "
            f"{keras_reason(error)}; {advice}"
        ) from error


# What tf_keras says of the first layer's input and of how to compute.
_DROPPED = ("batch_input_shape", "implementation", "input_length")
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
_COMMON = ("name", "trainable", "dtype")


def _ported(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """What Keras 3 makes a layer of the same name from."""
    cls, made = getattr(keras.layers, kind, None), {}
    known = None if cls is None else (*inspect.signature(cls).parameters, *_COMMON)
    for key, value in config.items():
        name = _RENAMED.get((kind, key), key)
        if key in _DROPPED or (known and name not in known and _says_nothing(key, value)):
            continue
        made[name] = _value(key, value)
    return made


def _says_nothing(key: str, value: Any) -> bool:
    """Whether an option that Keras 3 lacks is at its default, or of weights that are set anyway."""
    return value in (None, False, 1) or key.endswith("_initializer")


def _value(key: str, value: Any) -> Any:
    plain = _plain(value)
    # BatchNormalization holds its axis in a list there.
    return plain[0] if key == "axis" and isinstance(plain, list) and len(plain) == 1 else plain


def _plain(value: Any) -> Any:
    """Without tf_keras's own wrappers: of lists, and of what is inside a layer."""
    if isinstance(value, dict):
        if not {"class_name", "config", "module"} <= set(value):
            return {key: _plain(inner) for key, inner in value.items()}
        kind, config = value["class_name"], value["config"]
        if kind == "Policy":
            return config["name"]
        return {
            "class_name": kind,
            "config": _ported(kind, config) if isinstance(config, dict) else config,
            # The public path, which both give the same.
            "module": value["module"],
            "registered_name": None,
        }
    if isinstance(value, (list, tuple)):
        return [*map(_plain, value)]
    return value
