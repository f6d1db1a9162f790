"""Masks of padding, which Keras hangs on tensors: who hands them on, who takes them away."""

from typing import Any

import keras
import tensorflow as tf

from tflq.keras_side import KerasGraph, Layer, Node
from tflq.qat._parts import Namer, call_of, made_layer

Tensor = Any


@keras.saving.register_keras_serializable(package="tflq")
class Unmasked(keras.layers.Layer):
    """Hands on its input without its mask."""

    def call(self, x: Tensor) -> Tensor:
        """A tensor of its own, on which no mask hangs."""
        return tf.identity(x)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """None."""

    def compute_output_spec(self, x: Any) -> Any:
        """The input's."""
        return keras.KerasTensor(x.shape, dtype=x.dtype)


def take_masks(graph: KerasGraph, node: Node, names: Namer) -> None:
    """Takes the masks from what a call of multi-head attention reads, for all that run later.

    Keras's layer removes them from the tensors themselves, so what its parts compute is what it
    computed only if nobody else sees them either.
    """
    masked, place = _masked(graph), graph.nodes.index(node)
    for tensor in dict.fromkeys(node.inputs):
        # Where it casts, it takes the mask from its own copy.
        if tensor not in masked or graph.dtypes[tensor] != node.layer.source.compute_dtype:
            continue
        later = [reader for reader in graph.nodes[place + 1 :] if tensor in reader.inputs]
        if not later:
            continue
        made = graph.new_tensor(graph.shapes[tensor], graph.dtypes[tensor])
        bare = made_layer(
            Unmasked(name=names(f"{node.layer.name}_unmasked"), dtype=graph.dtypes[tensor])
        )
        graph.insert(later[0], call_of(bare, tensor, made))
        for reader in later:
            reader.inputs = [made if t == tensor else t for t in reader.inputs]


def _masked(graph: KerasGraph) -> set[int]:
    """Tensors that may have a mask."""
    found: set[int] = set()
    for node in graph.nodes:
        passes = getattr(node.layer.source, "supports_masking", False) or node.layer.passes_mask
        passed = passes and not found.isdisjoint(node.inputs)
        if passed or _makes_mask(node.layer):
            found.update(node.outputs)
        if node.layer.cls is Unmasked:
            found.difference_update(node.outputs)
    return found


def _makes_mask(layer: Layer) -> bool:
    if layer.cls.__module__.partition(".")[0] == "keras":
        return layer.kind == "Masking" or bool((layer.config or {}).get("mask_zero"))
    return bool(getattr(layer.source, "supports_masking", False))
