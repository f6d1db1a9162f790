"""Brings a Keras graph into the form in which its layers meet their kernels one to one.

Separable convolutions and attention become their parts, activations that no kernel fuses become
layers of their own.
"""

import itertools
from typing import Any

import keras

from tflq.keras_side import (
    KerasGraph,
    Layer,
    Node,
    activation_name,
    has_kernel,
    single_argument,
    split_separables,
)
from tflq.qat._attention import split_attention

_FUSED = ("linear", "relu")
_SWISH = ("silu", "swish")


def prepare(graph: KerasGraph) -> None:
    """Rewrites the graph in place; it computes what it did."""
    split_separables(graph, keras)
    split_attention(graph)
    names = Namer(graph)
    _split_activations(graph, names)
    _split_swish(graph, names)
    _split_averages(graph, names)
    _split_scaled_sums(graph, names)


class Namer:
    """Gives new layers names that no other has."""

    def __init__(self, graph: KerasGraph):
        self._taken = {node.layer.name for node in graph.nodes}
        self._taken |= {config["name"] for config in graph.inputs.values()}

    def __call__(self, wanted: str) -> str:
        """`wanted`, with a number where it is taken."""
        names = itertools.chain((wanted,), (f"{wanted}_{i}" for i in itertools.count(1)))
        name = next(name for name in names if name not in self._taken)
        self._taken.add(name)
        return name


def is_weighted(layer: Layer) -> bool:
    """Whether the layer is one that `QuantizedKernel` takes."""
    if layer.kind == "EinsumDense":
        return layer.cls.__module__.partition(".")[0] == "keras" and layer.config is not None
    return has_kernel(layer) and layer.cls.__module__.partition(".")[0] == "keras"


def made_layer(layer: Any, part_of: Layer | None = None) -> Layer:
    """A Keras layer without weights, for the graph."""
    return Layer(
        name=layer.name,
        cls=type(layer),
        config=layer.get_config(),
        weights=[],
        source=part_of.source if part_of else layer,
    )


def call_of(layer: Layer, source: int, output: int) -> Node:
    """A call with one input and one output."""
    return Node(layer=layer, inputs=[source], outputs=[output], arguments=single_argument)


def _split_activations(graph: KerasGraph, names: Namer) -> None:
    for layer, nodes in list(graph.calls().items()):
        if not is_weighted(layer) or activation_name(layer) in _FUSED:
            continue
        assert layer.config is not None, "layers with a kernel have a config"
        activation = layer.config["activation"]
        layer.config = layer.config | {"activation": "linear"}
        made = made_layer(
            keras.layers.Activation(
                keras.activations.deserialize(activation),
                name=names(f"{layer.name}_activation"),
                dtype=layer.config["dtype"],
            ),
            part_of=layer,
        )
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
