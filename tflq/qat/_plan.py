"""Which layers get which scheme, and which activations share a quantizer."""

import fnmatch
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tflq._errors import UserError
from tflq.keras_side import KerasGraph, Layer, Node, Shape, activation_name, activation_of
from tflq.qat._depthwise import only_scales
from tflq.qat._prepare import is_weighted
from tflq.qat._rules import LayerRule, Output, Range, rule_of
from tflq.scheme import Scheme

# Layers whose kernels add or multiply and then clamp at no cost, as convolutions do.
_FUSING = frozenset({"Add", "Subtract", "Multiply"})
# Their kernels clamp as well, but have the scale of their input.
_POOLING = frozenset({"AveragePool", "AveragePooling1D", "AveragePooling2D"})
_INT4_KINDS = frozenset(
    {"Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "Dense", "EinsumDense"}
)
# Smallest and largest value, None for no cap.
Clamp = tuple[float, float | None]
ALIKE = (Output.SHARED, Output.ROUNDED, Output.PASSED)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Activations that share one scale.

    Attributes:
        members: all tensors of the group.
        sources: those that bring values into the group, in running order.
        rounded: those whose values are computed anew within its range.
        fixed: the range that a kernel prescribes for all of it, or None.
        nonnegative: whether all sources are outputs of rectifiers.
        told: what is told of its values, see `FakeQuant`.
    """

    members: tuple[int, ...]
    sources: tuple[int, ...]
    rounded: tuple[int, ...]
    fixed: Range | None
    nonnegative: bool
    told: str | None = None


class Rules:
    """The rules of all layers of a graph.

    Raises:
        UserError: a layer is neither Keras's nor registered, nor skipped.
    """

    def __init__(self, graph: KerasGraph, skip: Iterable[Layer]):
        skipped = set(skip)
        self._rules: dict[Layer, LayerRule] = {}
        for layer in graph.calls():
            rule = rule_of(layer)
            if rule is None and layer not in skipped:
                raise UserError(_unknown(layer))
            self._rules[layer] = rule or LayerRule()

    def fixed_of(self, layer: Layer) -> Range | None:
        """The range that the layer's kernel prescribes; None for layers it was not asked about."""
        return self._rules[layer].fixed if layer in self._rules else None

    def __getitem__(self, layer: Layer) -> LayerRule:
        return self._rules[layer]


def match_layers(
    graph: KerasGraph, patterns: Mapping[str, str], *, argument: str
) -> dict[Layer, str]:
    """Resolves `{layer name or pattern: value}`; later ones win.

    Raises:
        UserError: a pattern matches no layer.
    """
    found: dict[Layer, str] = {}
    layers = list(graph.calls())
    for pattern, value in patterns.items():
        # A part of a layer answers to the layer's name as well.
        matching = [
            layer
            for layer in layers
            if any(
                fnmatch.fnmatchcase(name, pattern)
                for name in (
                    layer.name,
                    getattr(layer.source, "name", layer.name),
                    layer.part_of or layer.name,
                )
            )
        ]
        if not matching:
            some = ", ".join(layer.name for layer in layers[:12])
            raise UserError(
                f"{argument}: {pattern!r} matches no layer; there are, for instance: {some}."
            )
        found.update(dict.fromkeys(matching, value))
    return found


def weight_bits(layer: Layer, scheme: Scheme, *, at_edge: bool) -> int:
    """Bits of a layer's weights: 8 where few bits cost most, save nothing or have no kernel."""
    if only_scales(layer):
        return max(8, scheme.weight_bits)
    if at_edge and scheme.edge_weight_bits is not None:
        return scheme.edge_weight_bits
    return scheme.weight_bits if layer.kind in _INT4_KINDS else max(8, scheme.weight_bits)


def edges(graph: KerasGraph) -> set[Layer]:
    """The weighted layers that are first or last on some way through the graph."""
    found: set[Layer] = set()
    for nodes in (graph.nodes, graph.nodes[::-1]):
        forwards = nodes is graph.nodes
        behind: set[int] = set()
        for node in nodes:
            near, far = (node.inputs, node.outputs) if forwards else (node.outputs, node.inputs)
            passed = any(tensor in behind for tensor in near)
            counts = is_weighted(node.layer) and not only_scales(node.layer)
            if counts and not passed:
                found.add(node.layer)
            if counts or passed:
                behind.update(far)
    return found


def groups(graph: KerasGraph, rules: Rules) -> tuple[Group, ...]:
    """All activations in groups, in the order of their first sources."""
    producers, fused = graph.producers(), fused_tensors(graph)
    parent = {t: t for t, dtype in graph.dtypes.items() if _is_float(dtype)}

    def root(tensor: int) -> int:
        while parent[tensor] != tensor:
            tensor = parent[tensor]
        return tensor

    outputs = {t: _output_of(node, producers, fused, rules) for t, node in producers.items()}
    for node in graph.nodes:
        if any(outputs[tensor] in ALIKE for tensor in node.outputs):
            tied = [t for t in (*node.inputs, *node.outputs) if t in parent]
            for tensor in tied[1:]:
                parent[root(tensor)] = root(tied[0])
    sources: dict[int, list[int]] = {}
    rounded: dict[int, list[int]] = {}
    for tensor in _in_order(graph):
        if tensor not in parent or tensor in fused:
            continue
        rule = outputs.get(tensor, Output.OWN)
        if rule is Output.ROUNDED:
            rounded.setdefault(root(tensor), []).append(tensor)
        elif rule not in ALIKE:
            sources.setdefault(root(tensor), []).append(tensor)
    members: dict[int, list[int]] = {}
    for tensor in parent:
        members.setdefault(root(tensor), []).append(tensor)
    found = [
        Group(
            members=tuple(members[at]),
            sources=tuple(brought),
            rounded=tuple(rounded.get(at, ())),
            fixed=_fixed_of_all(brought, producers, rules),
            nonnegative=all(t in producers and _is_rectifier(producers[t].layer) for t in brought),
        )
        for at, brought in sources.items()
    ]
    return _told(graph, found, outputs)


def _told(
    graph: KerasGraph, found: Sequence[Group], outputs: Mapping[int, Output]
) -> tuple[Group, ...]:
    """Finds the groups that are scores, and what masks these."""
    consumers = graph.consumers()

    def all_read(group: Group, read: Callable[[Node], bool]) -> bool:
        members = set(group.members)
        nodes = [
            node
            for tensor in group.members
            for node in consumers.get(tensor, ())
            if not (members.intersection(node.outputs) and outputs[node.outputs[0]] in ALIKE)
        ]
        return bool(nodes) and members.isdisjoint(graph.outputs) and all(map(read, nodes))

    scores = {t for g in found if all_read(g, _is_softmax) for t in g.members}

    def masks(node: Node) -> bool:
        return node.layer.kind in ("Add", "Subtract") and scores.issuperset(node.outputs)

    masked = {
        t
        for node in graph.nodes
        if _is_softmax(node) and _masks_by_itself(node)
        for t in node.inputs
    }
    told = {
        group: "scores" if masked.isdisjoint(group.members) else "masked"
        for group in found
        if scores.issuperset(group.members)
    }
    told |= {g: "mask" for g in found if g not in told and all_read(g, masks)}
    return tuple(replace(group, told=told.get(group)) for group in found)


def _is_softmax(node: Node) -> bool:
    """Whether a layer is a softmax along the last axis."""
    if node.layer.kind == "Activation":
        return activation_name(node.layer) == "softmax"
    return node.layer.kind == "Softmax" and getattr(node.layer.source, "axis", -1) == -1


def _masks_by_itself(node: Node) -> bool:
    """Whether a softmax is given a mask, so that some of what it reads does not count."""
    values, named = node.arguments(node.inputs)
    return len(values) > 1 or named.get("mask") is not None or node.layer.passes_mask


def _output_of(
    node: Node, producers: Mapping[int, Node], fused: frozenset[int], rules: Rules
) -> Output:
    """Where the range of a node's outputs comes from; what clamps a mean keeps the mean's."""
    behind = producers.get(node.inputs[0]) if node.inputs and node.inputs[0] in fused else None
    clamps_mean = behind is not None and behind.layer.kind in _POOLING
    return Output.ROUNDED if clamps_mean else rules[node.layer].output


def _is_fused(graph: KerasGraph, producer: Node | None, readers: Sequence[Node]) -> bool:
    """Whether a tensor is never stored, for the kernel that makes it goes on to clamp it."""
    if producer is None or producer.outputs[0] in graph.outputs or len(readers) != 1:
        return False
    fuses = is_weighted(producer.layer) or producer.layer.kind in _FUSING | _POOLING
    return fuses and clamp_of(readers[0].layer) is not None


def fused_tensors(graph: KerasGraph) -> frozenset[int]:
    """The tensors that are never stored."""
    producers, consumers = graph.producers(), graph.consumers()
    return frozenset(
        tensor
        for tensor, producer in producers.items()
        if _is_fused(graph, producer, consumers.get(tensor, []))
    )


def clamp_of(layer: Layer) -> Clamp | None:
    """What a layer that only clamps lets through; None for others.

    Kernels fuse it, or get the range that it lets through.
    """
    if is_weighted(layer):
        return None
    if layer.kind == "Activation" and activation_name(layer) == "hard_tanh":
        return -1.0, 1.0
    activation = activation_of(layer)
    if activation is None or not _is_rectifier(layer):
        return None
    return 0.0, None if math.isinf(activation.cap) else activation.cap


def _is_rectifier(layer: Layer) -> bool:
    activation = activation_of(layer)
    if activation is None or activation.leaky:
        return False
    return activation.shape is Shape.RECTIFIER


def _in_order(graph: KerasGraph) -> Sequence[int]:
    return [*graph.inputs, *(tensor for node in graph.nodes for tensor in node.outputs)]


def _fixed_of_all(
    sources: Sequence[int], producers: Mapping[int, Node], rules: Rules
) -> Range | None:
    fixed = {rules[producers[t].layer].fixed if t in producers else None for t in sources}
    return fixed.pop() if len(fixed) == 1 else None


def _is_float(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat"))


def _unknown(layer: Layer) -> str:
    name = layer.cls.__name__
    if hasattr(layer.source, "layers"):
        inner = ", ".join(part.name for part in layer.source.layers[:8])
        return (
            f"model {layer.name!r} inside is a subclassed {name}, whose code alone knows how its "
            f"layers ({inner}) connect; build it with the functional API, or export without "
            "training: tflq.export(model, path, data=...)."
        )
    return (
        f"layer {layer.name!r} is a {name}, which tflq does not know; register it with "
        f"tflq.register_layer({name}, weights={{'kernel': -1}}), or keep it float with "
        f"tflq.quantize(model, skip=[{layer.name!r}])."
    )
