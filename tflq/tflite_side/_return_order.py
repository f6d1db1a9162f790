"""In which order layers are best returned to float."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflq.tflite_side._alone import Layer
from tflq.tflite_side._graph import Graph

# Layers that read one activation and may be returned together with the one that makes it.
_READERS = 3


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What a layer adds to the outputs, as a share of their energy.

    Attributes:
        weights: by its rounded weights.
        activation: by its quantized output.
    """

    weights: float
    activation: float


def return_order(
    graph: Graph, layers: Sequence[Layer], noises: Mapping[int, Noise], *, float_outputs: bool
) -> tuple[Layer, ...]:
    """Those first that take most noise with them, counted by layer.

    A layer in float takes the noise of its weights with it. That of its output goes only when
    all that read it are in float too, for others need it quantized; so layers are also weighed
    together with those that read them. Noises of several layers are taken to add up.

    Args:
        graph: the float graph.
        layers: of `quantized_layers`; inputs come last, for they cannot be returned.
        noises: by a layer's op.
        float_outputs: whether the file's outputs are float, so that nothing needs those of the
            last layers quantized.
    """
    ops = {layer.op: layer for layer in layers if layer.op >= 0}
    needed = frozenset() if float_outputs else frozenset(graph.outputs)
    readers = {
        op: None if needed.intersection(layer.tensors) else _readers(graph, layer, ops)
        for op, layer in ops.items()
    }
    returned: dict[int, None] = {}
    while len(returned) < len(ops):
        left = [op for op in ops if op not in returned]
        groups: list[tuple[int, ...]] = [(op,) for op in left]
        for op in left:
            group = tuple(o for o in (op, *(readers[op] or ())) if o not in returned)
            if 1 < len(group) <= 1 + _READERS:
                groups.append(group)
        gains = [_gain(group, returned, readers, noises) for group in groups]
        returned |= dict.fromkeys(groups[gains.index(max(gains))])
    inputs = [layer for layer in layers if layer.op < 0]
    return (*(ops[op] for op in returned), *inputs)


def _readers(graph: Graph, layer: Layer, ops: Mapping[int, Layer]) -> tuple[int, ...] | None:
    """The layers that read a layer's outputs; None where something else needs them quantized."""
    read = {op.index for tensor in layer.tensors for op in graph.consumers.get(tensor, ())}
    return tuple(sorted(read)) if read <= ops.keys() else None


def _gain(
    group: Sequence[int],
    returned: Mapping[int, None],
    readers: Mapping[int, tuple[int, ...] | None],
    noises: Mapping[int, Noise],
) -> float:
    """The noise that goes with a group, by layer."""
    then = {*returned, *group}
    freed = 0.0
    for op in then:
        read = readers[op]
        if read is None or not then.issuperset(read):
            continue
        if op in group or not set(group).isdisjoint(read):
            freed += noises[op].activation
    return (freed + sum(noises[op].weights for op in group)) / len(group)
