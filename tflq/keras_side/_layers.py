"""From the name scopes that TensorFlow writes back to the layers they stand for."""

import re
from collections.abc import Callable
from typing import Any

from tflq.keras_side._kind import keras_kind

LayerOf = Callable[[str], str | None]


def layer_resolver(model: Any) -> LayerOf:
    """A function from one part of a graph path to the name of a layer, or None.

    Keras 3 enters a layer's scope twice while tracing, so that the scope of layer `conv` is
    `conv_1`, and that of a layer called `conv_1` is `conv_1_2`; tf_keras numbers a scope only
    when a layer is called again.

    Args:
        model: a Keras 3 or tf_keras model; nested models count as layers.
    """
    layers = frozenset(layer.name for layer in _all_layers(model) if layer is not model)
    numbered_first = keras_kind(model) == "keras"

    def layer_of(part: str) -> str | None:
        stem = re.sub(r"_\d+$", "", part)
        candidates = (stem, part) if numbered_first and stem != part else (part, stem)
        return next((name for name in candidates if name in layers), None)

    return layer_of


def _all_layers(model: Any) -> list[Any]:
    found = list(model._flatten_layers()) if hasattr(model, "_flatten_layers") else []
    return found or list(getattr(model, "layers", []))
