"""A Keras model as a flat list of layer calls that may be rewritten, for either Keras.

Nested models are opened, so that a batch normalization behind a backbone meets the convolution
that ends it. Weights are NumPy arrays; nothing here touches the user's model.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq.keras_side._config import live_config
from tflq.keras_side._kind import Kind, keras_kind
from tflq.keras_side._nodes import ModelNode, functional_of, nodes_of, takes_masks

Shape = tuple[int | None, ...]
Opener = Callable[[ModelNode], Any | None]


@dataclass(eq=False, kw_only=True)
class Layer:
    """A layer (or an operation without weights) and what becomes of it.

    Attributes:
        name: unique in the graph.
        cls: its class, such as `keras.layers.Conv2D`.
        config: what the class is made from; None for operations, which are used as they are.
        weights: float arrays in Keras's order.
        source: the user's layer.
        part_of: name of the user's layer that it is a part of; None where it is one itself.
        passes_mask: whether it hands on the mask of its input though its class would not, for it
            stands for a layer that does.
        statistics: mean and standard deviation of each output channel before the activation,
            where a folded batch normalization told them.
    """

    name: str
    cls: Any
    config: dict[str, Any] | None
    weights: list[np.ndarray]
    source: Any
    part_of: str | None = None
    passes_mask: bool = False
    statistics: "Moments | None" = None

    @property
    def kind(self) -> str:
        """The class's name."""
        name: str = self.cls.__name__
        return name


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Mean and standard deviation of every channel: float64, shape (channels,)."""

    mean: np.ndarray
    deviation: np.ndarray


@dataclass(eq=False, kw_only=True)
class Node:
    """One call of a layer.

    Attributes:
        layer: what is called.
        inputs: numbers of the tensors it takes.
        outputs: numbers of the tensors it gives.
        arguments: from values of the inputs to the call's args and kwargs.
    """

    layer: Layer
    inputs: list[int]
    outputs: list[int]
    arguments: Callable[[Sequence[Any]], tuple[Sequence[Any], dict[str, Any]]]


@dataclass(eq=False, kw_only=True)
class KerasGraph:
    """The whole model.

    Attributes:
        kind: which Keras it belongs to.
        name: the model's name.
        inputs: tensor numbers, and the Input layer's config of each.
        input_structure: how the model takes its inputs, with tensor numbers as leaves.
        output_structure: how it gives its outputs, likewise.
        outputs: tensor numbers.
        output_names: the names that Keras has for them.
        nodes: calls in an order in which they can run.
        shapes: shape of every tensor, None where open.
        dtypes: dtype of every tensor, such as "float32".
    """

    kind: Kind
    name: str
    inputs: dict[int, dict[str, Any]]
    input_structure: Any
    output_structure: Any
    outputs: list[int]
    output_names: list[str]
    nodes: list[Node]
    shapes: dict[int, Shape]
    dtypes: dict[int, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def calls(self) -> dict[Layer, list[Node]]:
        """The nodes of every layer."""
        found: dict[Layer, list[Node]] = defaultdict(list)
        for node in self.nodes:
            found[node.layer].append(node)
        return found

    def producers(self) -> dict[int, Node]:
        """The node that makes a tensor."""
        return {tensor: node for node in self.nodes for tensor in node.outputs}

    def consumers(self) -> dict[int, list[Node]]:
        """The nodes that read a tensor."""
        found: dict[int, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for tensor in dict.fromkeys(node.inputs):
                found[tensor].append(node)
        return found

    def new_tensor(self, shape: Shape, dtype: str = "float32") -> int:
        """Numbers a tensor."""
        number = next(self._numbers)
        self.shapes[number], self.dtypes[number] = shape, dtype
        return number

    def insert(self, before: Node | None, node: Node) -> None:
        """Puts a node in front of another, or at the end."""
        self.nodes.insert(len(self.nodes) if before is None else self.nodes.index(before), node)

    def bypass(self, node: Node) -> None:
        """Removes a node of one output; its readers read its first input instead."""
        (old,), new = node.outputs, node.inputs[0]
        self.nodes.remove(node)
        for reader in self.nodes:
            reader.inputs = [new if tensor == old else tensor for tensor in reader.inputs]
        self.outputs = [new if tensor == old else tensor for tensor in self.outputs]

    def insert_after(self, tensor: int, layer: Layer) -> Node:
        """Calls a layer on a tensor; all that read the tensor read the result instead."""
        made = self.new_tensor(self.shapes[tensor])
        for reader in self.nodes:
            reader.inputs = [made if t == tensor else t for t in reader.inputs]
        self.outputs = [made if t == tensor else t for t in self.outputs]
        node = Node(layer=layer, inputs=[tensor], outputs=[made], arguments=single_argument)
        producer = self.producers()[tensor]
        self.nodes.insert(self.nodes.index(producer) + 1, node)
        return node


# Layers that call their activation on what they give.
_ACTIVATED = {
    *("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "Dense", "EinsumDense"),
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    *("SeparableConv1D", "SeparableConv2D", "Activation"),
}


def single_argument(values: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """How a layer of one input is called."""
    return (values[0],), {}


def read_graph(model: Any, *, opened: Opener | None = None) -> KerasGraph:
    """Reads a functional or Sequential model of Keras 3 or tf_keras, nested ones included.

    Args:
        model: the model; it is left as it is.
        opened: gives the functional model that a call of a layer is, or None; its layers come in
            the place of the call then.

    Raises:
        UserError: the model is subclassed, or not built, so that only its code knows its graph.
    """
    kind = keras_kind(model)
    functional = None if kind is None else functional_of(model)
    if kind is None or functional is None:
        raise UserError(
            f"model {getattr(model, 'name', model)!r} is a {type(model).__name__}, whose layers "
            "only its code connects; rewriting needs a functional or Sequential Keras model that "
            "has been built. Its bias_correction='empirical' and rounding='adaround' still work."
        )
    return _Reader(kind, functional, opened).read()


class _Reader:
    def __init__(self, kind: Kind, functional: Any, opened: Opener | None):
        self._model, self._opened = functional, opened
        self._part_of: str | None = None
        self._takes_masks = takes_masks(functional)
        self._number: dict[int, int] = {}
        self._layers: dict[int, Layer] = {}
        self._names: set[str] = set()
        # Tensors are known by identity, so they must live as long as their numbers.
        self._kept: list[Any] = []
        self._graph = KerasGraph(
            kind=kind,
            name=functional.name,
            inputs={},
            input_structure=None,
            output_structure=None,
            outputs=[],
            output_names=list(functional.output_names),
            nodes=[],
            shapes={},
        )

    def read(self) -> KerasGraph:
        from tensorflow import nest

        graph, model = self._graph, self._model
        for tensor in model.inputs:
            graph.inputs[self._new(tensor)] = _input_config(tensor)
            self._names.add(graph.inputs[self._number[id(tensor)]]["name"])
        graph.input_structure = nest.map_structure(lambda t: self._number[id(t)], model.input)
        self._walk(model, prefix="")
        graph.outputs = [self._number[id(t)] for t in nest.flatten(model.output)]
        graph.output_structure = nest.map_structure(lambda t: None, model.output)
        self._split_activations()
        self._drop_unused()
        return graph

    def _walk(self, model: Any, prefix: str) -> None:
        for node in nodes_of(model, takes_masks=self._takes_masks):
            if any(id(t) not in self._number for t in node.inputs):
                continue
            inner = functional_of(node.layer)
            if inner is not None:
                self._open(node, inner)
                continue
            inner = self._opened(node) if self._opened else None
            if inner is not None:
                outer, self._part_of = self._part_of, self._part_of or node.layer.name
                self._open(node, inner)
                self._part_of = outer
                continue
            layer = self._layer(node.layer, prefix)
            inputs = [self._number[id(t)] for t in node.inputs]
            self._graph.nodes.append(
                Node(
                    layer=layer,
                    inputs=inputs,
                    outputs=[self._new(t) for t in node.outputs],
                    arguments=node.arguments,
                )
            )

    def _open(self, node: ModelNode, inner: Any) -> None:
        """Walks a nested model with this call's tensors in the place of its own."""
        from tensorflow import nest

        for own, given in zip(inner.inputs, node.inputs, strict=True):
            self._number[id(own)] = self._number[id(given)]
        self._walk(inner, prefix=f"{inner.name}_")
        for own, given in zip(nest.flatten(inner.output), node.outputs, strict=True):
            self._number[id(given)] = self._number[id(own)]
            self._kept.append(given)

    def _split_activations(self) -> None:
        """Calls layers that are given as `activation=` after the layer that they are given to."""
        for layer, nodes in self._graph.calls().items():
            inner: Any = getattr(layer.source, "activation", None)
            if layer.kind not in _ACTIVATED or not _is_layer(inner) or layer.config is None:
                continue
            activation = self._layer(inner, prefix=f"{layer.name}_")
            activation.part_of = activation.part_of or layer.name
            layer.weights = layer.weights[: len(layer.weights) - len(activation.weights)]
            layer.config["activation"] = "linear"
            regularizer = layer.config.pop("activity_regularizer", None)
            if regularizer is not None:
                config = {**(activation.config or {}), "activity_regularizer": regularizer}
                name = self._unique(inner.name, f"{layer.name}_")
                activation = replace(activation, name=name, config=config)
            for node in nodes:
                self._graph.insert_after(node.outputs[0], activation)

    def _drop_unused(self) -> None:
        """Drops calls that no output needs, such as those that make masks."""
        needed, kept = set(self._graph.outputs), []
        for node in reversed(self._graph.nodes):
            if needed.intersection(node.outputs):
                needed.update(node.inputs)
                kept.append(node)
        self._graph.nodes = kept[::-1]

    def _new(self, tensor: Any) -> int:
        self._kept.append(tensor)
        number = self._graph.new_tensor(tuple(tensor.shape), str(_dtype_name(tensor)))
        self._number[id(tensor)] = number
        return number

    def _layer(self, source: Any, prefix: str) -> Layer:
        if id(source) not in self._layers:
            self._layers[id(source)] = Layer(
                name=self._unique(source.name, prefix),
                cls=type(source),
                config=_config(source),
                weights=[np.asarray(w) for w in _weights(source)],
                source=source,
                part_of=self._part_of,
            )
        return self._layers[id(source)]

    def _unique(self, name: str, prefix: str) -> str:
        candidates = itertools.chain(
            (name, prefix + name), (f"{prefix}{name}_{i}" for i in itertools.count(1))
        )
        unique = next(candidate for candidate in candidates if candidate not in self._names)
        self._names.add(unique)
        return unique


def _input_config(tensor: Any) -> dict[str, Any]:
    history = tensor._keras_history
    layer = getattr(history, "operation", None) or getattr(history, "layer", None)
    name = getattr(layer, "name", None) or tensor.name
    return {"shape": tuple(tensor.shape), "dtype": str(_dtype_name(tensor)), "name": name}


def _dtype_name(tensor: Any) -> str:
    return getattr(tensor.dtype, "name", tensor.dtype)


def _is_layer(source: Any) -> bool:
    return hasattr(source, "get_weights")


def _weights(source: Any) -> list[Any]:
    return list(source.get_weights()) if _is_layer(source) else []


def _config(source: Any) -> dict[str, Any] | None:
    """None for bare operations: they hold no weights and are called again as they are."""
    return live_config(source) if _is_layer(source) else None
