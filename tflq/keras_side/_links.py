"""Links: channels that kernels write and kernels read, with nothing between that minds a scale.

Dividing a channel by s > 0 where it is made and multiplying by s where it is read leaves a network
as it was, through every f with f(s x) = s f(x) (Nagel et al. 2019, section 4.1). Each channel of
each tensor has a scale variable; layers either pass variables on, tie them (the two sides of a
residual addition share theirs), or fix them to 1. What is left free, grouped by the kernels it
joins, is a link.
"""

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from tflq.keras_side._activations import Activation, Shape, activation_of
from tflq.keras_side._graph import KerasGraph, Layer, Node
from tflq.keras_side._kernels import has_kernel, kernel_of, pads

# The variable of whatever cannot be scaled.
_FIXED = 0
_OUTPUT, _TIED = "it is an output of the model", "it is tied to an output of the model"

# One input, and every output channel depends on its own input channel alone, linearly.
PASSING = frozenset(
    {
        "ActivityRegularization", "AlphaDropout", "AveragePooling1D", "AveragePooling2D",
        "AveragePooling3D", "Cropping1D", "Cropping2D", "Cropping3D", "Dropout",
        "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
        "GlobalAveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
        "GlobalMaxPooling3D", "Identity", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
        "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "UpSampling1D", "UpSampling2D",
        "UpSampling3D",
    }
)  # fmt: skip
# As above, but zeros come beside the input, so that a constant does not pass.
PADDING = frozenset({"ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"})
TYING = frozenset({"Add", "Subtract", "Average", "Maximum", "Minimum"})
# What is called alike among operations that are no layers, if given tensors only.
_OPERATIONS = frozenset({"Add", "Subtract", "Maximum", "Minimum", "Multiply"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Slot:
    """One end of a link: the output or the input channels of a kernel.

    Attributes:
        layer: the layer with the kernel.
        channels: for each of its channels the link's channel, -1 where it has none.
    """

    layer: Layer
    channels: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Cap:
    """A capped rectifier on the way: its node, the cap, and the link's channels it caps."""

    node: Node
    value: float
    channels: np.ndarray


_Place = TypeVar("_Place", Slot, Cap)


@dataclass(frozen=True, kw_only=True, eq=False)
class Link:
    """Channels that may be scaled together.

    Attributes:
        size: number of channels.
        writers: output channels of kernels.
        readers: input channels of kernels.
        caps: the capped activations between them.
        shiftable: whether a constant may be moved from writer to readers as well, for there is
            one writer with a rectifier, and neither padding nor addition between.
    """

    size: int
    writers: tuple[Slot, ...]
    readers: tuple[Slot, ...]
    caps: tuple[Cap, ...]
    shiftable: bool


@dataclass(frozen=True, kw_only=True)
class Links:
    """All links of a graph, and the layers whose outputs are in none, with the reason."""

    links: tuple[Link, ...]
    left: dict[str, str] = field(default_factory=dict)


def find_links(graph: KerasGraph) -> Links:
    """Finds the links of a graph, whose separable convolutions have been split."""
    return _Search(graph).run()


def is_as_named(node: Node) -> bool:
    """Whether the call does what the tables here take from its layer's name.

    `x + 3` is an Add as well, but of one tensor.
    """
    kind = node.layer.kind
    if kind in TYING or kind == "Multiply":
        return len(node.inputs) > 1 and (node.layer.config is not None or kind in _OPERATIONS)
    return node.layer.config is not None or activation_of(node.layer) is not None


class _Search:
    def __init__(self, graph: KerasGraph):
        self._graph = graph
        self._shared = {layer for layer, nodes in graph.calls().items() if len(nodes) > 1}
        self._parent = [_FIXED]
        self._reason: dict[int, str] = {}
        self._unshiftable: set[int] = set()
        self._of: dict[int, np.ndarray] = {}
        self._writers: list[Slot] = []
        self._readers: list[Slot] = []
        self._rectified: set[int] = set()
        self._caps: list[Cap] = []

    def run(self) -> Links:
        for tensor in self._graph.inputs:
            self._of[tensor] = self._fixed(tensor)
        for node in self._graph.nodes:
            self._visit(node)
        for tensor in self._graph.outputs:
            self._fix(self._of[tensor], _OUTPUT)
        return self._result()

    def _visit(self, node: Node) -> None:
        layer, kind = node.layer, node.layer.kind
        if has_kernel(layer):
            self._visit_kernel(node)
        elif not is_as_named(node):
            self._stop(node)
        elif kind in PASSING or kind in PADDING or kind == "Flatten":
            source = self._of[node.inputs[0]]
            width = self._channels(node.outputs[0])
            if width is None or width % max(len(source), 1):
                self._stop(node)
                return
            self._of[node.outputs[0]] = np.tile(source, width // len(source))
            if kind in PADDING:
                self._pin(source)
        elif kind in TYING:
            self._tie(node)
        elif kind == "Concatenate":
            self._concatenate(node)
        elif kind == "Multiply":
            self._gate(node)
        elif activation_of(layer) is not None:
            self._of[node.outputs[0]] = self._activate(node, self._of[node.inputs[0]])
        else:
            self._stop(node)

    def _visit_kernel(self, node: Node) -> None:
        layer, (given,), (made,) = node.layer, node.inputs, node.outputs
        _, groups, inputs, outputs = kernel_of(layer).shape
        own = self._of[given]
        if layer in self._shared or len(own) != groups * inputs:
            self._fix(own, f"{layer.name!r} is used more than once")
            self._of[made] = self._fixed(made, f"{layer.name!r} is used more than once")
            return
        if pads(layer):
            self._pin(own)
        self._readers.append(Slot(layer=layer, channels=own))
        fresh = np.arange(len(self._parent), len(self._parent) + groups * outputs)
        self._parent.extend(fresh.tolist())
        self._writers.append(Slot(layer=layer, channels=fresh))
        self._of[made] = self._activate(node, fresh)

    def _activate(self, node: Node, variables: np.ndarray) -> np.ndarray:
        activation = activation_of(node.layer) or Activation(shape=Shape.LINEAR)
        if activation.shape is Shape.OTHER:
            name = f"the activation of {node.layer.name!r} does not let a scale through"
            self._fix(variables, name)
            return self._fixed(node.outputs[0], name)
        if activation.shape is Shape.RECTIFIER:
            if node.layer.kind == "PReLU" and len(node.layer.weights[0]) != len(variables):
                self._pin(variables)
            self._rectified.update(variables.tolist())
        if np.isfinite(activation.cap):
            if node.layer in self._shared or node.layer.config is None:
                self._fix(variables, f"the cap of {node.layer.name!r} cannot be changed")
            else:
                self._caps.append(Cap(node=node, value=activation.cap, channels=variables))
        return variables

    def _tie(self, node: Node) -> None:
        operands = [self._of[tensor] for tensor in node.inputs]
        width = self._channels(node.outputs[0])
        if any(len(operand) != width for operand in operands):
            self._stop(node)
            return
        for operand in operands:
            self._pin(operand)
            self._join(operands[0], operand)
        self._of[node.outputs[0]] = operands[0]

    def _concatenate(self, node: Node) -> None:
        operands = [self._of[tensor] for tensor in node.inputs]
        width = self._channels(node.outputs[0])
        if sum(map(len, operands)) == width and self._along_channels(node):
            self._of[node.outputs[0]] = np.concatenate(operands)
        else:
            self._stop(node)

    def _along_channels(self, node: Node) -> bool:
        assert node.layer.config is not None
        axis, rank = node.layer.config["axis"], len(self._graph.shapes[node.outputs[0]])
        return axis in (-1, rank - 1)

    def _gate(self, node: Node) -> None:
        """A product passes the scale of one factor on where all others are fixed."""
        width = self._channels(node.outputs[0])
        free = [t for t in node.inputs if any(self._root(v) for v in self._of[t].tolist())]
        if len(free) == 1 and len(self._of[free[0]]) == width:
            self._pin(self._of[free[0]])
            self._of[node.outputs[0]] = self._of[free[0]]
        else:
            self._stop(node)

    def _stop(self, node: Node) -> None:
        reason = f"{node.layer.name!r} ({node.layer.kind}) does not let a scale through"
        for tensor in node.inputs:
            self._fix(self._of[tensor], reason)
        for tensor in node.outputs:
            self._of[tensor] = self._fixed(tensor, reason)

    def _channels(self, tensor: int) -> int | None:
        shape = self._graph.shapes[tensor]
        return shape[-1] if len(shape) > 1 else None

    def _fixed(self, tensor: int, reason: str = "it is an input of the model") -> np.ndarray:
        return np.full(self._channels(tensor) or 1, _FIXED)

    def _pin(self, variables: np.ndarray) -> None:
        self._unshiftable.update(variables.tolist())

    def _fix(self, variables: np.ndarray, reason: str) -> None:
        for variable in variables.tolist():
            root = self._root(variable)
            if root != _FIXED:
                self._reason.setdefault(root, reason)
                self._reason.setdefault(variable, reason)
                self._parent[root] = _FIXED

    def _join(self, one: np.ndarray, other: np.ndarray) -> None:
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            # The smaller root wins, so that what is tied to a fixed variable is fixed.
            low, high = sorted((self._root(a), self._root(b)))
            if low != high:
                if low == _FIXED:
                    self._reason.setdefault(high, "it is added to what cannot be scaled")
                self._parent[high] = low

    def _root(self, variable: int) -> int:
        while self._parent[variable] != variable:
            self._parent[variable] = self._parent[self._parent[variable]]
            variable = self._parent[variable]
        return variable

    def _result(self) -> Links:
        roots = np.array([self._root(v) for v in range(len(self._parent))])
        pinned = {int(roots[v]) for v in self._unshiftable}
        rectified = {int(roots[v]) for v in self._rectified}
        links = []
        for members in _components([roots[s.channels] for s in (*self._writers, *self._readers)]):
            number = np.full(len(roots), -1)
            number[members] = np.arange(len(members))
            writers, readers, caps = (
                _renumbered(self._writers, number[roots]),
                _renumbered(self._readers, number[roots]),
                _renumbered(self._caps, number[roots]),
            )
            if not readers:
                continue
            links.append(
                Link(
                    size=len(members),
                    writers=writers,
                    readers=readers,
                    caps=caps,
                    shiftable=len(writers) == 1
                    and not pinned.intersection(members)
                    and rectified.issuperset(members),
                )
            )
        return Links(links=tuple(links), left=self._left(roots))

    def _left(self, roots: np.ndarray) -> dict[str, str]:
        left = {
            slot.layer.name: reason
            for slot in self._writers
            if not roots[slot.channels].any()
            # Every model ends somewhere; that is no news.
            and (reason := self._reason.get(int(slot.channels[0]), _TIED)) != _OUTPUT
        }
        return left | {
            layer.name: "it is used more than once" for layer in self._shared if has_kernel(layer)
        }


def _renumbered(places: list[_Place], number: np.ndarray) -> tuple[_Place, ...]:
    """Those with channels that have a number, by which they are called now."""
    here = [replace(place, channels=number[place.channels]) for place in places]
    return tuple(place for place in here if (place.channels >= 0).any())


def _components(slots: list[np.ndarray]) -> list[list[int]]:
    """Roots that share a slot, directly or through others, each set sorted."""
    parent: dict[int, int] = {}

    def root(v: int) -> int:
        while parent.setdefault(v, v) != v:
            v = parent[v]
        return v

    for slot in slots:
        free = [int(v) for v in np.unique(slot) if v != _FIXED]
        for v in free:
            low, high = sorted((root(free[0]), root(v)))
            parent[high] = low
    found: dict[int, list[int]] = {}
    for v in sorted(parent):
        found.setdefault(root(v), []).append(v)
    return list(found.values())
