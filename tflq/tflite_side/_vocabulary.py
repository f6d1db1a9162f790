"""How many rows the tables have from which an input's integers pick, such as words of a text."""

from tflq.tflite_side._graph import Graph, Op

# What hands on some of the integers that it reads.
_MOVING = frozenset(
    {
        *("CAST", "RESHAPE", "EXPAND_DIMS", "SQUEEZE", "TRANSPOSE", "REVERSE_V2", "TILE"),
        *("SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "UNPACK", "PACK", "CONCATENATION"),
        *("SELECT", "SELECT_V2", "PAD", "PADV2", "GATHER", "BROADCAST_TO", "RELU"),
    }
)


def vocabulary(graph: Graph, tensor: int) -> int | None:
    """The rows of the smallest table that is asked by a tensor's integers; None without any."""
    found: list[int] = []
    seen, waiting = {tensor}, [tensor]
    while waiting:
        asking = waiting.pop()
        for op in graph.consumers.get(asking, ()):
            rows = _rows(graph, op, asking)
            if rows is not None:
                found.append(rows)
            elif op.kind in _MOVING:
                fresh = set(op.outputs) - seen
                seen |= fresh
                waiting += fresh
    return min(found, default=None)


def _rows(graph: Graph, op: Op, asking: int) -> int | None:
    """How many rows an op's table has, where its indices are those."""
    if op.kind == "GATHER" and op.inputs[1] == asking:
        axis = 0 if op.options is None else int(op.options.axis)
        return graph.tensors[op.inputs[0]].shape[axis]
    if op.kind == "EMBEDDING_LOOKUP" and op.inputs[0] == asking:
        return graph.tensors[op.inputs[1]].shape[0]
    if op.kind == "ONE_HOT" and op.inputs[0] == asking:
        is_known = graph.tensors[op.inputs[1]].is_constant
        return int(graph.constant(op.inputs[1]).reshape(-1)[0]) if is_known else None
    return None
