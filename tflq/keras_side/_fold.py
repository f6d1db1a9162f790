"""Folds batch normalizations into the convolutions beside them: equation (24).

After a convolution, w_fold = gamma w / sigma and b_fold = beta + gamma (b - mu) / sigma with
sigma = sqrt(variance + epsilon) (Jacob et al. 2018, section 3.2). Before a convolution the scale
goes into its input channels and the shift into its bias, which is exact only where no zeros are
padded beside a shifted input.
"""

from dataclasses import dataclass, replace

import numpy as np

from tflq.keras_side._activations import is_passive
from tflq.keras_side._graph import KerasGraph, Layer, Moments, Node
from tflq.keras_side._kernels import (
    bias_of,
    has_kernel,
    pads,
    response,
    scale_inputs,
    scale_outputs,
    set_bias,
)

_KIND = "BatchNormalization"


@dataclass(frozen=True, kw_only=True)
class Folding:
    """What became of the batch normalizations.

    Attributes:
        folded: their names.
        left: those that stay, with the reason.
        difference: largest difference of an output, of its largest value; None if not measured.
    """

    folded: tuple[str, ...]
    left: dict[str, str]
    difference: float | None = None

    def with_difference(self, difference: float) -> "Folding":
        """The same, with a measurement."""
        return replace(self, difference=difference)


@dataclass(frozen=True, kw_only=True)
class _Normalization:
    """y = scale * x + shift; its outputs have mean beta and standard deviation |gamma|."""

    scale: np.ndarray
    shift: np.ndarray
    moments: Moments


def fold_batch_norms(graph: KerasGraph) -> Folding:
    """Folds every batch normalization that can be, in place."""
    folded: list[str] = []
    left: dict[str, str] = {}
    progress = True
    while progress:
        progress = False
        for layer, nodes in graph.calls().items():
            if layer.kind != _KIND or layer.name in folded:
                continue
            reason = _fold(graph, layer, nodes)
            if reason is None:
                folded.append(layer.name)
                left.pop(layer.name, None)
                progress = True
                # Its neighbours are others now.
                break
            left[layer.name] = reason
    return Folding(folded=tuple(folded), left=left)


def _fold(graph: KerasGraph, layer: Layer, nodes: list[Node]) -> str | None:
    """Folds one layer; returns why not where that is impossible."""
    assert layer.config is not None
    if not _last_axis(graph, layer, nodes):
        return "it normalizes another axis than the last"
    if len(layer.weights) != 2 + layer.config["scale"] + layer.config["center"]:
        return "it holds more than gamma, beta, mean and variance"
    norm = _read(layer)
    behind = convolution_behind(graph, nodes)
    if isinstance(behind, Layer):
        scale_outputs(behind, norm.scale)
        set_bias(behind, bias_of(behind) + norm.shift)
        behind.statistics = norm.moments
    else:
        ahead = _convolutions_ahead(graph, nodes, norm)
        if isinstance(ahead, str):
            return f"{behind}; {ahead}"
        for reader in ahead:
            bias = bias_of(reader) + response(reader, norm.shift)
            scale_inputs(reader, norm.scale)
            set_bias(reader, bias)
    for node in nodes:
        graph.bypass(node)
    return None


def _last_axis(graph: KerasGraph, layer: Layer, nodes: list[Node]) -> bool:
    assert layer.config is not None
    axis = layer.config["axis"]
    (axis,) = axis if isinstance(axis, (list, tuple)) else (axis,)
    ranks = {len(graph.shapes[node.inputs[0]]) for node in nodes}
    return axis == -1 or ranks == {axis + 1}


def _read(layer: Layer) -> _Normalization:
    assert layer.config is not None
    weights = [weight.astype(np.float64) for weight in layer.weights]
    ones = np.ones_like(weights[-1])
    gamma = weights.pop(0) if layer.config["scale"] else ones
    beta = weights.pop(0) if layer.config["center"] else 0 * ones
    mean, variance = weights
    deviation = np.sqrt(variance + layer.config["epsilon"])
    return _Normalization(
        scale=gamma / deviation,
        shift=beta - gamma * mean / deviation,
        moments=Moments(mean=beta, deviation=np.abs(gamma)),
    )


def convolution_behind(graph: KerasGraph, nodes: list[Node]) -> Layer | str:
    """The layer whose output the normalization, and nothing else, reads; else why not."""
    producers, consumers, calls = graph.producers(), graph.consumers(), graph.calls()
    sources = [producers.get(node.inputs[0]) for node in nodes]
    layers = {source.layer for source in sources if source is not None}
    if None in sources or len(layers) != 1:
        return "no single layer comes before it"
    (layer,) = layers
    if not has_kernel(layer):
        return f"before it comes {layer.name!r} ({layer.kind})"
    if not is_passive(layer):
        return f"before it, {layer.name!r} has an activation of its own"
    outputs = [call.outputs[0] for call in calls[layer]]
    if any(
        output in graph.outputs or [n.layer for n in consumers[output]] != [nodes[0].layer]
        for output in outputs
    ):
        return f"the output of {layer.name!r} before it is used elsewhere as well"
    return layer


def _convolutions_ahead(
    graph: KerasGraph, nodes: list[Node], norm: _Normalization
) -> list[Layer] | str:
    """The layers that read the normalization's output; else why it cannot go into them."""
    consumers, calls = graph.consumers(), graph.calls()
    outputs = [node.outputs[0] for node in nodes]
    readers = [reader for output in outputs for reader in consumers[output]]
    layers = list(dict.fromkeys(reader.layer for reader in readers))
    if not layers or any(output in graph.outputs for output in outputs):
        return "its output is one of the model's"
    for layer in layers:
        if not has_kernel(layer):
            return f"after it comes {layer.name!r} ({layer.kind})"
        if {call.inputs[0] for call in calls[layer]} - set(outputs):
            return f"after it, {layer.name!r} is used elsewhere as well"
        if pads(layer) and np.any(norm.shift):
            return f"after it, {layer.name!r} pads with zeros"
    return layers
