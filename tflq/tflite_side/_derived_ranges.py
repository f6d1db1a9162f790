"""Ranges that follow from others, by interval arithmetic.

One Keras layer can become several ops, such as a rescaling its multiplication and addition. What
lies between them has no range of its own; it follows from the layer's input, or from its output
where that only clamps.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._kernel_rules import fixed_range, same_scale_groups

Range = tuple[float, float]

_BINARY: dict[str, Callable[[float, float], float]] = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
}
_CLAMPS: dict[str, Range] = {
    "RELU": (0.0, np.inf),
    "RELU6": (0.0, 6.0),
    "RELU_0_TO_1": (0.0, 1.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}
# By the code in the options of ADD, SUB and MUL.
_FUSED = {1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6"}


def derive_ranges(graph: Graph, known: Mapping[int, Range]) -> dict[int, Range]:
    """Adds to known ranges those that follow from them.

    Args:
        graph: the float graph.
        known: (min, max) by tensor index.

    Returns:
        `known` and more.
    """
    ranges = dict(known)
    for group in same_scale_groups(graph):
        _share(ranges, group)
    groups = {tensor: group for group in same_scale_groups(graph) for tensor in group}
    for op in (*graph.ops, *reversed(graph.ops)):
        for tensor, found in (_forwards(graph, op, ranges), _backwards(graph, op, ranges)):
            if found is not None and tensor not in ranges and tensor in groups:
                ranges[tensor] = found
                _share(ranges, groups[tensor])
    return ranges


def _share(ranges: dict[int, Range], group: tuple[int, ...]) -> None:
    held = [ranges[tensor] for tensor in group if tensor in ranges]
    if held:
        common = min(low for low, _ in held), max(high for _, high in held)
        ranges.update(dict.fromkeys(group, common))


def _forwards(graph: Graph, op: Op, ranges: Mapping[int, Range]) -> tuple[int, Range | None]:
    output = op.outputs[0] if op.outputs else -1
    operands = [_range(graph, tensor, ranges) for tensor in op.inputs]
    if op.kind in _CLAMPS and operands[0] is not None:
        return output, _clamped(operands[0], op.kind)
    if op.kind not in _BINARY or not any(graph.tensors[t].is_constant for t in op.inputs):
        return output, _sum(op, operands)
    first, second = operands
    if first is None or second is None:
        return output, None
    ends = [_BINARY[op.kind](a, b) for a in first for b in second]
    fused = _FUSED.get(op.options.fusedActivationFunction)
    return output, _clamped((min(ends), max(ends)), fused)


def _sum(op: Op, operands: list[Range | None]) -> Range | None:
    if op.kind not in ("ADD", "SUB") or None in operands:
        return None
    (low, high), (other_low, other_high) = operands  # type: ignore[misc]
    if op.kind == "ADD":
        return low + other_low, high + other_high
    return low - other_high, high - other_low


def _backwards(graph: Graph, op: Op, ranges: Mapping[int, Range]) -> tuple[int, Range | None]:
    """What only a clamp reads need not hold more than the clamp lets through."""
    source = op.inputs[0] if op.inputs else -1
    readers = graph.consumers.get(source, ())
    if op.kind not in _CLAMPS or len(readers) != 1 or source in graph.outputs:
        return source, None
    return source, ranges.get(op.outputs[0])


def _range(graph: Graph, tensor: int, ranges: Mapping[int, Range]) -> Range | None:
    if tensor < 0:
        return None
    held = graph.tensors[tensor]
    if held.is_constant and held.dtype == "float32":
        values = graph.constant(tensor)
        return float(values.min()), float(values.max())
    fixed = fixed_range(graph, tensor)
    return ranges.get(tensor, fixed.range if fixed else None)


def _clamped(given: Range, kind: str | None) -> Range:
    if kind is None:
        return given
    low, high = _CLAMPS[kind]
    return max(low, given[0]), min(high, given[1])
