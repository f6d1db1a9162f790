"""What scales and shifts each channel becomes a 1x1 depthwise convolution.

That is one kernel with a scale a channel and an int32 bias, where two int8 constants would be
multiplied and added, with a rounding between that no simulation sees. It holds for `Rescaling`,
`Normalization`, and a batch normalization that follows no convolution it could be folded into.
"""

import math
from typing import Any

import keras
import numpy as np

from tflq.keras_side import KerasGraph, Layer, Node, convolution_behind
from tflq.qat._parts import Namer, call_of, made_layer

Affine = tuple[np.ndarray, np.ndarray]


def add_depthwise_convolutions(graph: KerasGraph) -> None:
    """Rewrites the graph in place; it computes what it did."""
    names = Namer(graph)
    for layer, nodes in list(graph.calls().items()):
        normalizes = layer.kind == "BatchNormalization"
        if layer.cls.__module__.partition(".")[0] != "keras":
            continue
        if not normalizes and layer.kind not in _READERS:
            continue
        if any(len(node.inputs) > 1 for node in nodes):
            continue
        rank = _rank(graph, nodes)
        if rank is None:
            continue
        if not normalizes:
            _replace(graph, layer, nodes, rank, names)
        elif _is_of_channels(layer, rank) and isinstance(convolution_behind(graph, nodes), str):
            _put_before(graph, layer, nodes, rank, names)


def only_scales(layer: Layer) -> bool:
    """Whether a layer is a depthwise convolution that has but one weight a channel."""
    return (
        layer.kind.startswith("Depthwise") and layer.weights[0].size == layer.weights[0].shape[-2]
    )


def _is_of_channels(layer: Layer, rank: int) -> bool:
    config = layer.config or {}
    return np.ravel(config["axis"]).tolist() in ([-1], [rank - 1]) and not config.get("renorm")


def _rank(graph: KerasGraph, nodes: list[Node]) -> int | None:
    """The rank of what a layer reads, if there is a depthwise convolution for it."""
    ranks = {len(graph.shapes[node.inputs[0]]) for node in nodes}
    return ranks.pop() if len(ranks) == 1 and ranks <= {2, 3, 4} else None


def _put_before(
    graph: KerasGraph, layer: Layer, nodes: list[Node], rank: int, names: Namer
) -> None:
    """Puts a convolution of ones before a batch normalization."""
    ones = np.ones(layer.weights[-1].size)
    made = _convolution(layer, rank, names(f"{layer.name}_kernel"), (ones, None))
    for node in nodes:
        if rank == 2:
            _through_rank_3(graph, node, names, made)
        source = node.inputs[0]
        between = graph.new_tensor(graph.shapes[source])
        graph.insert(node, call_of(made, source, between))
        node.inputs = [between]


def _replace(graph: KerasGraph, layer: Layer, nodes: list[Node], rank: int, names: Namer) -> None:
    """Puts a convolution in the place of a layer that only scales and shifts."""
    channels = {graph.shapes[node.inputs[0]][-1] for node in nodes}
    floats = all(graph.dtypes[node.inputs[0]].startswith(("float", "bfloat")) for node in nodes)
    count = channels.pop()
    if channels or count is None or not floats:
        return
    found = _READERS[layer.kind](layer, count)
    if found is None:
        return
    made = _convolution(layer, rank, layer.name, found)
    for node in nodes:
        node.layer = made
        if rank == 2:
            _through_rank_3(graph, node, names, made)


def _convolution(layer: Layer, rank: int, name: str, affine: tuple[Any, Any]) -> Layer:
    """A depthwise convolution of factors, and shifts or None, of shape (channels,)."""
    factor, shift = affine
    cls, sides = keras.layers.DepthwiseConv1D, 1
    if rank == 4:
        cls, sides = keras.layers.DepthwiseConv2D, 2
    made = cls(
        1,
        use_bias=shift is not None,
        data_format="channels_last",
        name=name,
        trainable=False,
        dtype=(layer.config or {}).get("dtype"),
    )
    weights = [np.float32(factor).reshape((*(1,) * sides, -1, 1))]
    if shift is not None:
        weights.append(np.float32(shift))
    return Layer(
        name=name,
        cls=cls,
        config=made.get_config(),
        weights=weights,
        source=layer.source,
        part_of=layer.part_of,
        passes_mask=True,
    )


def _through_rank_3(graph: KerasGraph, node: Node, names: Namer, convolution: Layer) -> None:
    """Gives a layer's input a dimension more, and takes it away behind it."""
    source, output = node.inputs[0], node.outputs[0]
    channels = convolution.weights[0].size
    longer = graph.new_tensor((graph.shapes[source][0], 1, channels))
    up, down = names(f"{convolution.name}_up"), names(f"{convolution.name}_down")
    graph.insert(node, call_of(_reshape((1, channels), up), source, longer))
    graph.insert_after(output, _reshape((channels,), down))
    graph.shapes[output] = graph.shapes[longer]
    node.inputs = [longer]


def _reshape(shape: tuple[int, ...], name: str) -> Layer:
    return made_layer(keras.layers.Reshape(shape, name=name))


def _rescaling(layer: Layer, channels: int) -> Affine | None:
    config = layer.config or {}
    return _of_channels(config["scale"], config["offset"], channels)


def _normalization(layer: Layer, channels: int) -> Affine | None:
    # Its config holds no values that it was adapted to.
    mean, variance = (
        np.array(value, np.float64) for value in (layer.source.mean, layer.source.variance)
    )
    deviation = np.maximum(np.sqrt(variance), keras.backend.epsilon())
    if layer.source.invert:
        return _of_channels(deviation, mean, channels)
    return _of_channels(1 / deviation, -mean / deviation, channels)


def _of_channels(factor: Any, shift: Any, channels: int) -> Affine | None:
    """Both with one value a channel; None where they hold values for other axes."""
    found = [np.asarray(value, np.float64) for value in (factor, shift)]
    if any(math.prod(value.shape[:-1]) != 1 for value in found):
        return None
    if any(value.size not in (1, channels) for value in found):
        return None
    first, second = (np.broadcast_to(value.ravel(), (channels,)) for value in found)
    return first, second


_READERS = {"Rescaling": _rescaling, "Normalization": _normalization}
