"""Brings a Keras graph into the form in which its layers meet their kernels one to one.

Separable convolutions and attention become their parts, activations that no kernel fuses become
layers of their own, and a batch normalization that follows no convolution becomes a 1x1 depthwise
convolution that it can be folded into: one kernel with a scale a channel and an int32 bias, where
two int8 constants would be multiplied and added.
"""

import itertools
from typing import Any

import keras
import numpy as np

from tflq.keras_side import (
    KerasGraph,
    Layer,
    Node,
    activation_name,
    convolution_behind,
    has_kernel,
    single_argument,
    split_separables,
)
from tflq.qat._attention import split_attention

_FUSED = ("linear", "relu")
_SWISH = ("silu", "swish")
_NORMALIZATION = "BatchNormalization"


def prepare(graph: KerasGraph) -> None:
    """Rewrites the graph in place; it computes what it did."""
    split_separables(graph, keras)
    split_attention(graph)
    names = Namer(graph)
    _split_activations(graph, names)
    _split_swish(graph, names)
    _split_averages(graph, names)


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


def add_depthwise_convolutions(graph: KerasGraph) -> None:
    """Puts a 1x1 depthwise convolution of ones before batch normalizations that need one."""
    names = Namer(graph)
    for layer, nodes in list(graph.calls().items()):
        if layer.kind != _NORMALIZATION or not _is_plain(graph, layer, nodes):
            continue
        if isinstance(convolution_behind(graph, nodes), str):
            _add_depthwise(graph, layer, nodes, names)


def _is_plain(graph: KerasGraph, layer: Layer, nodes: list[Node]) -> bool:
    config = layer.config or {}
    ranks = {len(graph.shapes[node.inputs[0]]) for node in nodes}
    axis = np.ravel(config["axis"]).tolist()
    last = axis == [-1] or ranks == {axis[0] + 1}
    return last and ranks <= {2, 3, 4} and len(ranks) == 1 and not config.get("renorm")


def _add_depthwise(graph: KerasGraph, layer: Layer, nodes: list[Node], names: Namer) -> None:
    (rank,) = {len(graph.shapes[node.inputs[0]]) for node in nodes}
    channels = layer.weights[-1].size
    cls = keras.layers.DepthwiseConv2D if rank == 4 else keras.layers.DepthwiseConv1D
    policy = (layer.config or {}).get("dtype")
    name = names(f"{layer.name}_kernel")
    one = cls(1, use_bias=False, name=name, trainable=False, dtype=policy)
    ones = np.ones((*(1,) * (max(rank, 3) - 2), channels, 1), np.float32)
    made = Layer(
        name=one.name, cls=cls, config=one.get_config(), weights=[ones], source=layer.source
    )
    for node in nodes:
        if rank == 2:
            _through_rank_3(graph, node, layer, names, channels)
        source = node.inputs[0]
        between = graph.new_tensor(graph.shapes[source])
        graph.insert(node, _call(made, source, between))
        node.inputs = [between]


def _through_rank_3(
    graph: KerasGraph, node: Node, layer: Layer, names: Namer, channels: int
) -> None:
    """Gives the normalization a dimension more, and takes it away behind it."""
    source, output = node.inputs[0], node.outputs[0]
    longer = graph.new_tensor((graph.shapes[source][0], 1, channels))
    graph.insert(node, _call(_reshape((1, channels), names(f"{layer.name}_up")), source, longer))
    graph.insert_after(output, _reshape((channels,), names(f"{layer.name}_down")))
    graph.shapes[output] = graph.shapes[longer]
    node.inputs = [longer]


def _reshape(shape: tuple[int, ...], name: str) -> Layer:
    return made_layer(keras.layers.Reshape(shape, name=name))


def made_layer(layer: Any, part_of: Layer | None = None) -> Layer:
    """A Keras layer without weights, for the graph."""
    return Layer(
        name=layer.name,
        cls=type(layer),
        config=layer.get_config(),
        weights=[],
        source=part_of.source if part_of else layer,
    )


def _call(layer: Layer, source: int, output: int) -> Node:
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
        graph.insert(node, _call(gate, source, between))
        node.layer = made_layer(
            keras.layers.Multiply(name=names(f"{layer.name}_multiply"), dtype=policy), part_of=layer
        )
        node.inputs, node.arguments = [source, between], lambda values: ([list(values)], {})


def _split_averages(graph: KerasGraph, names: Namer) -> None:
    """Adds and multiplies, as the file does, with a range between."""
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
