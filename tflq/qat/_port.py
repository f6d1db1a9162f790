"""Layers of tf_keras as the layers of Keras 3 that they are."""

import itertools
from typing import Any

import keras

from tflq._errors import UserError
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
        return cls.from_config({k: _plain(v) for k, v in layer.config.items() if _is_known(k)})
    except Exception as error:
        # from_config raises whatever a layer's __init__ does.
        raise UserError(
            f"layer {layer.name!r} ({layer.kind}) of tf_keras cannot be rebuilt in Keras 3: "
            f"{str(error).strip().splitlines()[0]}; {advice}"
        ) from error


# What tf_keras has and Keras 3 has not, and what it says of the first layer's input.
_DROPPED = ("batch_input_shape", "synchronized", "implementation", "time_major")


def _is_known(key: str) -> bool:
    return key not in _DROPPED


def _plain(value: Any) -> Any:
    """Without tf_keras's own wrappers: of lists, and of initializers by their old modules."""
    if isinstance(value, dict):
        if str(value.get("module", "")).startswith(("tf_keras", "keras")) and "config" in value:
            return {
                "class_name": value["class_name"],
                "config": _plain(value["config"]),
                "module": None,
                "registered_name": None,
            }
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [*itertools.chain(map(_plain, value))]
    return value
