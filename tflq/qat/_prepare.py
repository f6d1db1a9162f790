"""Brings a Keras graph into the form in which its layers meet their kernels one to one.

Separable convolutions and attention become their parts, activations that no kernel fuses become
layers of their own.
"""

from dataclasses import replace

import keras
import numpy as np

from tflq.keras_side import (
    KerasGraph,
    Layer,
    activation_name,
    has_kernel,
    split_separables,
)
from tflq.qat._attention import split_attention
from tflq.qat._parts import Namer, call_of, made_layer

_FUSED = ("linear", "relu")
_SWISH = ("silu", "swish")
# Layers that become others, or one with others.
_REPLACED = {
    *("Activation", "ReLU", "Average", "CustomScaleLayer"),
    *("BatchNormalization", "Rescaling", "Normalization"),
}


def prepare(graph: KerasGraph) -> None:
    """Rewrites the graph in place; it computes what it did."""
    split_separables(graph, keras)
    split_attention(graph)
    names = Namer(graph)
    _split_activations(graph, names)
    _split_regularizers(graph, names)
    _split_swish(graph, names)
    _split_averages(graph, names)
    _split_scaled_sums(graph, names)


def is_weighted(layer: Layer) -> bool:
    """Whether the layer is one that `QuantizedKernel` takes."""
    if layer.cls.__module__.partition(".")[0] != "keras" or layer.config is None:
        return False
    return layer.kind == "EinsumDense" or has_kernel(without_lora(layer))


def without_lora(layer: Layer) -> Layer:
    """A layer with its low-rank update added to its kernel."""
    if not (layer.config or {}).get("lora_rank"):
        return layer
    config = dict(layer.config or {})
    share = config.pop("lora_alpha") / config.pop("lora_rank")
    kernel, *others, a, b = layer.weights
    return replace(layer, config=config, weights=[kernel + share * np.matmul(a, b), *others])


def _split_regularizers(graph: KerasGraph, names: Namer) -> None:
    """Regularizes outputs in layers of their own, where others come in the place of a layer."""
    for layer, nodes in list(graph.calls().items()):
        regularizer = (layer.config or {}).get("activity_regularizer")
        if regularizer is None or layer.kind not in _REPLACED:
            continue
        layer.config = (layer.config or {}) | {"activity_regularizer": None}
        made = made_layer(
            keras.layers.Identity(
                activity_regularizer=regularizer,
                name=names(f"{layer.name}_regularizer"),
                dtype=layer.config.get("dtype"),
            ),
            part_of=layer,
        )
        for node in nodes:
            graph.insert_after(node.outputs[0], made)


def _split_activations(graph: KerasGraph, names: Namer) -> None:
    for layer, nodes in list(graph.calls().items()):
        if not is_weighted(layer) or activation_name(layer) in _FUSED:
            continue
        assert layer.config is not None, "layers with a kernel have a config"
        made = made_layer(
            keras.layers.Activation(
                keras.activations.get(layer.config["activation"]),
                name=names(f"{layer.name}_activation"),
                dtype=layer.config["dtype"],
                activity_regularizer=layer.config.get("activity_regularizer"),
            ),
            part_of=layer,
        )
        layer.config = layer.config | {"activation": "linear", "activity_regularizer": None}
        for node in nodes:
            graph.insert_after(node.outputs[0], made)


def _split_swish(graph: KerasGraph, names: Namer) -> None:
    """Multiplies by the sigmoid in two steps, as the file does, with a range between."""
    for node in list(graph.nodes):
        layer = node.layer
        named = layer.kind == "Activation" and activation_name(layer) in _SWISH
        if not named and layer.kind not in ("Silu", "Swish"):
            continue
        (source,) = node.inputs
        policy = (layer.config or {}).get("dtype")
        gate = made_layer(
            keras.layers.Activation("sigmoid", name=names(f"{layer.name}_sigmoid"), dtype=policy),
            part_of=layer,
        )
        between = graph.new_tensor(graph.shapes[source], graph.dtypes[source])
        graph.insert(node, call_of(gate, source, between))
        node.layer = made_layer(
            keras.layers.Multiply(name=names(f"{layer.name}_multiply"), dtype=policy), part_of=layer
        )
        node.inputs, node.arguments = [source, between], lambda values: ([list(values)], {})


def _split_averages(graph: KerasGraph, names: Namer) -> None:
    """Adds and scales in two steps, with a range between."""
    for layer, nodes in list(graph.calls().items()):
        if layer.kind != "Average" or layer.config is None:
            continue
        counts = {len(node.inputs) for node in nodes}
        if len(counts) > 1:
            continue
        share = made_layer(
            keras.layers.Rescaling(1 / counts.pop(), name=names(f"{layer.name}_share")),
            part_of=layer,
        )
        layer.cls = keras.layers.Add
        for node in nodes:
            graph.insert_after(node.outputs[0], share)


def _split_scaled_sums(graph: KerasGraph, names: Namer) -> None:
    """Scales and adds in two steps what InceptionResNet's own layer does in one."""
    for layer, nodes in list(graph.calls().items()):
        if layer.kind != "CustomScaleLayer" or layer.cls.__module__.partition(".")[0] != "keras":
            continue
        config = layer.config or {}
        factor, policy = config["scale"], config["dtype"]
        scale = made_layer(
            keras.layers.Rescaling(factor, name=names(f"{layer.name}_scale"), dtype=policy),
            part_of=layer,
        )
        layer.cls, layer.config = keras.layers.Add, {"name": layer.name, "dtype": policy}
        for node in nodes:
            first, second = node.inputs
            scaled = graph.new_tensor(graph.shapes[second], graph.dtypes[second])
            graph.insert(node, call_of(scale, second, scaled))
            node.inputs = [first, scaled]
