"""The map of a file: every op, its dtype, who runs it, its bytes and its time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tflq.targets import judge
from tflq.tflite_side import Graph, Op

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True, kw_only=True)
class OpRow:
    """One op of the file.

    Attributes:
        op: its place in the execution order.
        kind: such as CONV_2D.
        layer: whose output it makes.
        dtype: it computes in; for a conversion, from and to.
        role: "integer", "float", or "conversion".
        delegated: whether XNNPACK takes it.
        reason: why not, else nothing.
        advice: what to change for XNNPACK to take it, else nothing.
        size: bytes of the constants that it reads first.
        milliseconds: median latency alone, on one thread of this machine; None where it was not
            measured.
    """

    op: int
    kind: str
    layer: str
    dtype: str
    role: str
    delegated: bool
    reason: str
    advice: str
    size: int
    milliseconds: float | None


def map_ops(
    content: bytes, label: Callable[[str], str], milliseconds: Mapping[int, float]
) -> tuple[OpRow, ...]:
    """Reads the ops of a file, in order.

    Args:
        content: the file.
        label: from a tensor's name to the layer's.
        milliseconds: by op index.
    """
    graph = Graph.from_bytes(content)
    refused = {refusal.op: refusal for refusal in judge(graph, content, "xnnpack").refused}
    sizes = _sizes(graph)
    return tuple(
        OpRow(
            op=op.index,
            kind=op.kind,
            layer=label(_named(graph, op)),
            dtype=_dtype(graph, op),
            role=_role(graph, op),
            delegated=op.index not in refused,
            reason=refused[op.index].reason if op.index in refused else "",
            advice=refused[op.index].advice if op.index in refused else "",
            size=sizes[op.index],
            milliseconds=milliseconds.get(op.index),
        )
        for op in graph.ops
    )


def _named(graph: Graph, op: Op) -> str:
    """The tensor whose layer an op belongs to: weights are dequantized for their reader."""
    if not op.outputs:
        return op.kind
    output = op.outputs[0]
    readers = graph.consumers.get(output, ())
    if op.kind == "DEQUANTIZE" and graph.tensors[op.inputs[0]].is_constant and readers:
        output = readers[0].outputs[0]
    return graph.tensors[output].name


def _sizes(graph: Graph) -> dict[int, int]:
    """Bytes of constants by op; what several share counts where it is read first."""
    tensors, seen = graph.model.subgraphs[0].tensors, set()
    sizes = {}
    for op in graph.ops:
        sizes[op.index] = 0
        for index in op.inputs:
            if index < 0 or not graph.tensors[index].is_constant:
                continue
            buffer = tensors[index].buffer
            if buffer not in seen:
                seen.add(buffer)
                sizes[op.index] += len(graph.model.buffers[buffer].data)
    return sizes


def _dtype(graph: Graph, op: Op) -> str:
    if op.kind in _CONVERSIONS:
        first, last = (graph.tensors[i].dtype for i in (op.inputs[0], op.outputs[0]))
        return f"{first} → {last}"
    return _computes_in(graph, op)


def _computes_in(graph: Graph, op: Op) -> str:
    computed = [i for i in op.inputs if i >= 0 and not graph.tensors[i].is_constant]
    dtypes = [graph.tensors[i].dtype for i in (*computed, *op.outputs)]
    return next((name for name in dtypes if name == "float32"), dtypes[0] if dtypes else "")


def _role(graph: Graph, op: Op) -> str:
    if op.kind in _CONVERSIONS:
        return "conversion"
    return "float" if _computes_in(graph, op).startswith("float") else "integer"
