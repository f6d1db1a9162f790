"""What a finished file consists of."""

from collections import Counter
from dataclasses import dataclass

from tflq.tflite_side._delegation import Delegation, xnnpack_delegation
from tflq.tflite_side._graph import Graph, Op

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """Facts read from a .tflite and from the runtime.

    Attributes:
        size: bytes of the file.
        ops: how often each kind of op occurs, loops and branches included.
        float_ops: ops that compute in float32, as "KIND (layer)".
        conversions: QUANTIZE and DEQUANTIZE ops that are neither at an input nor at an output,
            as "KIND (tensor)".
        delegation: what XNNPACK takes.
    """

    size: int
    ops: dict[str, int]
    float_ops: tuple[str, ...]
    conversions: tuple[str, ...]
    delegation: Delegation


def read_facts(content: bytes) -> FileFacts:
    """Reads the facts of a .tflite, quantized or not."""
    graph = Graph.from_bytes(content)
    return FileFacts(
        size=len(content),
        ops=dict(Counter(op.kind for op in (*graph.ops, *graph.inner_ops)).most_common()),
        float_ops=tuple(
            f"{op.kind} ({_name(graph, op)})" for op in graph.ops if _is_float(graph, op)
        ),
        conversions=tuple(
            f"{op.kind} ({_name(graph, op)})" for op in graph.ops if _is_stray(graph, op)
        ),
        delegation=xnnpack_delegation(content),
    )


def _is_float(graph: Graph, op: Op) -> bool:
    if op.kind in _CONVERSIONS:
        return False
    tensors = [graph.tensors[i] for i in (*op.inputs, *op.outputs) if i >= 0]
    return any(t.dtype == "float32" and not t.is_constant for t in tensors)


def _is_stray(graph: Graph, op: Op) -> bool:
    if op.kind not in _CONVERSIONS:
        return False
    dequantizes_weights = graph.tensors[op.inputs[0]].is_constant
    at_door = op.inputs[0] in graph.inputs or op.outputs[0] in graph.outputs
    return not (at_door or dequantizes_weights)


def _name(graph: Graph, op: Op) -> str:
    return graph.tensors[op.outputs[0]].name.split(";")[0]
