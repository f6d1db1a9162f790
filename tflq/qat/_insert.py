"""Puts quantizers into a prepared graph: weights into layers, `FakeQuant` behind activations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tflq.keras_side import KerasGraph, Layer, Node, convolution_behind
from tflq.qat._activation import FakeQuant
from tflq.qat._kernel import QuantizedKernel
from tflq.qat._origins import feed_origins
from tflq.qat._parts import Namer
from tflq.qat._plan import ALIKE, Group, Rules, edges, fused_tensors, groups, weight_bits
from tflq.qat._prepare import is_weighted, without_lora
from tflq.qat._rules import Output, Range
from tflq.qat._weight import WeightQuantizer, channel_axes
from tflq.qat._weights_layer import QuantizedWeights
from tflq.scheme import Scheme


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What is to be done to a graph.

    Attributes:
        default: the scheme of all layers that have none of their own.
        scheme: by name of a layer; None keeps it float.
        ranges: how ranges are found; see `FakeQuant`.
    """

    default: Scheme
    scheme: Mapping[str, Scheme | None]
    ranges: str

    def of(self, layer: Layer) -> Scheme | None:
        """The scheme of a layer."""
        return self.scheme.get(layer.name, self.default)


def insert_quantizers(graph: KerasGraph, choices: Choices) -> frozenset[str]:
    """Quantizes a prepared graph, in place.

    Returns:
        Names of the quantizers whose range must not clip: of inputs, outputs and last logits.
    """
    carried = fold_batch_norms(graph)
    rules = Rules(graph, [layer for layer in graph.calls() if choices.of(layer) is None])
    found, doors, fused = groups(graph, rules), _doors(graph, rules), fused_tensors(graph)
    alike = [layer for layer in graph.calls() if rules[layer].output in ALIKE]
    _Weights(graph, choices, rules, carried).wrap()
    inserter = _Inserter(graph, choices, rules)
    unclipped = set()
    for group in found:
        layer = inserter.insert(group)
        if layer is not None and doors.intersection(group.members):
            unclipped.add(layer.name)
    inserter.feed_codes(alike)
    feed_origins(graph, inserter.codes, fused)
    return frozenset(unclipped)


def fold_batch_norms(graph: KerasGraph) -> dict[Layer, Layer]:
    """Takes batch normalizations out that a convolution can carry; `{convolution: its own}`."""
    carried: dict[Layer, Layer] = {}
    for layer, nodes in list(graph.calls().items()):
        if layer.kind != "BatchNormalization" or (layer.config or {}).get("renorm"):
            continue
        if any(len(node.inputs) > 1 for node in nodes):
            # Its mask decides what it makes statistics of.
            continue
        behind = convolution_behind(graph, nodes)
        if isinstance(behind, Layer) and behind not in carried and is_weighted(behind):
            carried[behind] = layer
            for node in nodes:
                graph.bypass(node)
    return carried


def _doors(graph: KerasGraph, rules: Rules) -> set[int]:
    """Inputs, outputs and what feeds a last layer of fixed range: none of them may be clipped."""
    producers = graph.producers()
    doors = {*graph.inputs, *graph.outputs}
    for output in graph.outputs:
        if output in producers and rules[producers[output].layer].output is Output.FIXED:
            doors.update(producers[output].inputs)
    return doors


class _Weights:
    """Replaces layers that have weights by ones that quantize them."""

    def __init__(
        self, graph: KerasGraph, choices: Choices, rules: Rules, carried: Mapping[Layer, Layer]
    ):
        self._graph, self._choices, self._rules = graph, choices, rules
        self._carried, self._edges = carried, edges(graph)

    def wrap(self) -> None:
        for layer, nodes in list(self._graph.calls().items()):
            made = self._wrapped(layer)
            if made is None:
                continue
            for node in nodes:
                node.layer = made
                if made.cls is QuantizedKernel:
                    node.outputs = [*node.outputs, self._graph.new_tensor((None,))]

    def _wrapped(self, layer: Layer) -> Layer | None:
        scheme = self._choices.of(layer)
        if is_weighted(layer):
            return self._kernel(layer, scheme)
        named = self._rules[layer].weights
        held = {v.name for v in getattr(layer.source, "weights", ())}
        if scheme is None or not held.intersection(named):
            return None
        quantizers = {
            name: WeightQuantizer(
                bits=max(8, scheme.weight_bits),
                axes=() if axis is None or not scheme.per_channel else (axis,),
                ratio=False,
            )
            for name, axis in named.items()
            if name in held
        }
        return self._layer(QuantizedWeights, layer, {"quantizers": quantizers}, layer.weights)

    def _kernel(self, layer: Layer, scheme: Scheme | None) -> Layer | None:
        norm, quantizer = self._carried.get(layer), None
        if scheme is None and norm is None and not layer.passes_mask:
            return None
        learned = self._choices.ranges == "lsq"
        if scheme is not None:
            bits = weight_bits(layer, scheme, at_edge=layer in self._edges)
            axes = tuple(_channel_axes(layer)) if scheme.per_channel else ()
            quantizer = WeightQuantizer(bits=bits, axes=axes, ratio=learned or bits < 8)
        weights = [*layer.weights, *(norm.weights if norm else [])]
        if quantizer is not None and quantizer.ratio:
            weights = [quantizer.first_ratio(_folded(without_lora(layer), norm)), *weights]
        config = {
            "quantizer": quantizer,
            "normalization": None if norm is None else _fresh(norm),
            "learned": learned,
            "passes_mask": layer.passes_mask,
        }
        return self._layer(QuantizedKernel, layer, config, weights)

    def _layer(
        self, cls: type, layer: Layer, config: dict[str, Any], weights: list[np.ndarray]
    ) -> Layer:
        return Layer(
            name=layer.name,
            cls=cls,
            config=config | {"layer": _fresh(layer)},
            weights=weights,
            source=layer.source,
        )


def _fresh(layer: Layer) -> Any:
    assert layer.config is not None, "layers with weights have a config"
    return layer.cls.from_config(layer.config | {"name": layer.name})


def _folded(layer: Layer, norm: Layer | None) -> np.ndarray:
    """The kernel times gamma / sigma."""
    kernel = layer.weights[0]
    if norm is None:
        return kernel
    assert norm.config is not None
    factor = 1 / np.sqrt(norm.weights[-1] + norm.config["epsilon"])
    if norm.config["scale"]:
        factor = factor * norm.weights[0]
    axes = _channel_axes(layer)
    return kernel * factor.reshape([n if i in axes else 1 for i, n in enumerate(kernel.shape)])


def _channel_axes(layer: Layer) -> list[int]:
    return channel_axes(layer.kind, layer.weights[0].ndim, (layer.config or {}).get("equation"))


class _Inserter:
    """Puts `FakeQuant` calls behind tensors and hands their codes to the layers that read them."""

    def __init__(self, graph: KerasGraph, choices: Choices, rules: Rules):
        self._graph, self._choices, self._names = graph, choices, Namer(graph)
        self._fixed = {
            tensor: fixed
            for layer, nodes in graph.calls().items()
            if (fixed := rules.fixed_of(layer)) is not None
            for node in nodes
            for tensor in node.outputs
        }
        # By tensor, the one that holds its scale and zero point.
        self.codes: dict[int, int] = {}

    def insert(self, group: Group) -> Layer | None:
        """Quantizes a group; returns its quantizer, None where all of it stays float."""
        sources = [t for t in group.sources if not self._stays_float(t)]
        if not sources:
            return None
        at_output = bool(set(self._graph.outputs).intersection(group.members))
        layer = self._layer(
            sources[0],
            fixed=group.fixed,
            sites=len(sources),
            nonnegative=group.nonnegative,
            told=group.told,
            # The gradient of a cross-entropy near a probability of 0 must not meet rounding.
            in_training=group.fixed is None or not at_output,
        )
        for site, tensor in enumerate(sources):
            place = tensor
            if group.fixed is None and tensor in self._fixed:
                # It has its kernel's range first, and is converted to the group's.
                place = self._put(self._layer(tensor, fixed=self._fixed[tensor]), tensor, 0)
            self._put(layer, place, site)
        for tensor in group.rounded:
            self._put(layer, tensor, None)
        return layer

    def feed_codes(self, alike: Sequence[Layer]) -> None:
        """Gives every layer with a quantized kernel the codes of its input.

        Args:
            alike: layers whose output has the codes of their input.
        """
        handing_on = set(alike)
        for node in self._graph.nodes:
            codes = [self.codes[t] for t in node.inputs if t in self.codes]
            if not codes:
                continue
            config = node.layer.config or {}
            if node.layer.cls is QuantizedKernel and config["quantizer"] is not None:
                node.inputs = [*node.inputs, codes[0]]
                node.arguments = _all_arguments
            elif node.layer in handing_on:
                for tensor in node.outputs:
                    self.codes.setdefault(tensor, codes[0])

    def _layer(self, tensor: int, *, fixed: Range | None, **config: Any) -> Layer:
        producer = self._graph.producers().get(tensor)
        name = producer.layer.name if producer else self._graph.inputs[tensor]["name"]
        made = FakeQuant(
            bits=8 if fixed else self._choices.default.activation_bits or 8,
            fixed=fixed,
            ranges=self._choices.ranges,
            floating=producer is not None and self._choices.of(producer.layer) is None,
            name=self._names(f"{name}_quant"),
            **config,
        )
        return Layer(
            name=made.name, cls=FakeQuant, config=made.get_config(), weights=[], source=made
        )

    def _put(self, layer: Layer, tensor: int, site: int | None) -> int:
        """Calls the quantizer on a tensor; all that read it read the result, which is returned."""
        graph = self._graph
        quantized = graph.new_tensor(graph.shapes[tensor], graph.dtypes[tensor])
        codes = graph.new_tensor((2,))
        for reader in graph.nodes:
            reader.inputs = [quantized if t == tensor else t for t in reader.inputs]
        graph.outputs = [quantized if t == tensor else t for t in graph.outputs]
        node = Node(
            layer=layer,
            inputs=[tensor],
            outputs=[quantized, codes],
            arguments=partial(_site_arguments, site),
        )
        producer = graph.producers().get(tensor)
        graph.nodes.insert(graph.nodes.index(producer) + 1 if producer else 0, node)
        self.codes[quantized] = codes
        return quantized

    def _stays_float(self, tensor: int) -> bool:
        """Whether what makes the tensor and all that read it are kept float."""
        producer = self._graph.producers().get(tensor)
        readers = self._graph.consumers().get(tensor, [])
        if producer is None or not readers:
            return False
        return all(self._choices.of(node.layer) is None for node in (producer, *readers))


def _site_arguments(site: int | None, values: Any) -> tuple[Any, dict[str, Any]]:
    return (values[0],), {"site": site}


def _all_arguments(values: Any) -> tuple[Any, dict[str, Any]]:
    return values, {}
