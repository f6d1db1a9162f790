"""Layers of the user's own that are made of other layers, as those layers.

Inside a layer, activations have no ranges and weights no bounds, so that its ops would be float in
the file. Its code is run once on symbolic tensors to see which layers it calls.
"""

from typing import Any

import keras
import numpy as np

from tflq.keras_side import ModelNode, live_config
from tflq.qat._rules import is_registered_whole

# Relative to the largest, how far what was seen may be from what the layer computes.
_TOLERANCE = 1e-4
_OPEN_SIZE = 4


class LayerOpener:
    """Gives what registered layers consist of, to `read_graph`."""

    def __init__(self) -> None:
        # By identity of a layer: the layer, which must live as long, and another like it.
        self._made: dict[int, tuple[Any, Any]] = {}

    def __call__(self, node: ModelNode) -> Any:
        """The functional model that a call is; None where its code does more than call layers."""
        if not _may_open(node.layer):
            return None
        try:
            return self._opened(node)
        except Exception:
            # Its own code may do anything with what is no tensor yet; then it stays whole.
            return None

    def _opened(self, node: ModelNode) -> Any:
        layer = node.layer
        if id(layer) not in self._made:
            made = type(layer).from_config(live_config(layer))
            args, kwargs = node.arguments(_symbols(node))
            made(*args, **kwargs)
            made.set_weights(layer.get_weights())
            self._made[id(layer)] = layer, made
        made = self._made[id(layer)][1]
        found, taught, asked = (_traced(made, node, training) for training in (None, True, False))
        whole = {id(v) for v in found.weights} == {id(v) for v in made.weights}
        alike = _kinds(found) == _kinds(taught) == _kinds(asked)
        return found if whole and alike and _computes(found, made, node) else None


def _may_open(layer: Any) -> bool:
    """Whether a layer is registered, with layers inside, and without weights of its own."""
    if not isinstance(layer, keras.layers.Layer) or not is_registered_whole(type(layer)):
        return False
    if layer.supports_masking or layer.activity_regularizer is not None:
        return False
    own = len(layer._trainable_variables) + len(layer._non_trainable_variables)
    return bool(layer.weights) and own == 0


def _symbols(node: ModelNode) -> list[Any]:
    return [keras.Input(t.shape[1:], batch_size=t.shape[0], dtype=t.dtype) for t in node.inputs]


def _traced(made: Any, node: ModelNode, training: bool | None) -> Any:
    """The layers that the code calls."""
    inputs = _symbols(node)
    args, kwargs = node.arguments(inputs)
    if training is not None and made._call_has_training_arg:
        kwargs = kwargs | {"training": training}
    return keras.Model(inputs, made.call(*args, **kwargs), name=node.layer.name)


def _kinds(model: Any) -> list[str]:
    return [type(operation).__name__ for operation in model.operations]


def _computes(found: Any, made: Any, node: ModelNode) -> bool:
    """Whether the layers compute what the layer computes, on noise."""
    rng = np.random.default_rng(0)
    values = []
    for tensor in node.inputs:
        shape = [size or _OPEN_SIZE for size in tensor.shape]
        values.append(keras.ops.cast(rng.normal(size=shape), tensor.dtype))
    args, kwargs = node.arguments(values)
    wanted = keras.tree.flatten(made(*args, **kwargs))
    came = keras.tree.flatten(found(values, training=False))
    return len(wanted) == len(came) and all(
        np.abs(np.asarray(w) - c).max() <= _TOLERANCE * np.abs(np.asarray(w)).max()
        for w, c in zip(wanted, came, strict=True)
    )
