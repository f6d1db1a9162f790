"""One op of a file as a file of its own, with its own quantization and options."""

import copy
from collections.abc import Sequence
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._file import pack
from tflq.tflite_side._graph import Graph, Op


def cut_op(graph: Graph, op: Op, shapes: Sequence[tuple[int, ...]] | None = None) -> bytes:
    """Writes the op alone.

    Args:
        graph: the op's graph, of any dtypes.
        op: one of its ops.
        shapes: of its inputs, which are all doors then, and the runtime finds the shapes of its
            outputs; None leaves shapes and constants as they are stored.
    """
    whole = graph.model
    model = schema.ModelT()
    model.version, model.operatorCodes = whole.version, list(whole.operatorCodes)
    model.buffers = [schema.BufferT()]
    sub = schema.SubGraphT()
    sub.tensors = []
    inputs, doors = [], []
    for at, index in enumerate(op.inputs):
        inputs.append(len(sub.tensors) if index >= 0 else -1)
        if index < 0:
            continue
        shape = None if shapes is None else shapes[at]
        constant = shapes is None and graph.tensors[index].is_constant
        sub.tensors.append(_copied(whole, model, index, shape, constant=constant))
        if not constant:
            doors.append(inputs[-1])
    raw = copy.copy(whole.subgraphs[0].operators[op.index])
    raw.inputs = inputs
    rank = None if shapes is None else (1,) * max(map(len, shapes))
    raw.outputs = [len(sub.tensors) + at for at in range(len(op.outputs))]
    sub.tensors += [_copied(whole, model, index, rank, constant=False) for index in op.outputs]
    sub.inputs, sub.outputs, sub.operators = doors, raw.outputs, [raw]
    model.subgraphs = [sub]
    return pack(model)


def _copied(
    whole: Any, model: Any, index: int, shape: tuple[int, ...] | None, *, constant: bool
) -> Any:
    raw = copy.copy(whole.subgraphs[0].tensors[index])
    if shape is not None:
        raw.shape, raw.shapeSignature = list(shape), None
    raw.buffer = 0
    if constant:
        model.buffers.append(whole.buffers[whole.subgraphs[0].tensors[index].buffer])
        raw.buffer = len(model.buffers) - 1
    return raw
