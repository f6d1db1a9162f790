"""One op of an integer file as a file of its own, to ask the runtime what it makes of codes."""

import copy
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._quiet import quiet
from tflq.tflite_side import Graph, Op, pack


def one_op(graph: Graph, op: Op, shapes: Sequence[tuple[int, ...]]) -> bytes:
    """Writes the op alone, every input of it a door, with its own quantization and options.

    Args:
        graph: an integer graph.
        op: one of its ops.
        shapes: of its inputs; the runtime finds those of its outputs.
    """
    whole = graph.model
    model = schema.ModelT()
    model.version, model.operatorCodes = whole.version, list(whole.operatorCodes)
    model.buffers = [schema.BufferT()]
    sub = schema.SubGraphT()
    sub.tensors = []
    rank = max(len(shape) for shape in shapes)
    for index, shape in zip(op.inputs, shapes, strict=True):
        sub.tensors.append(_copied(whole, index, shape))
    for index in op.outputs:
        sub.tensors.append(_copied(whole, index, (1,) * rank))
    raw = copy.copy(whole.subgraphs[0].operators[op.index])
    count = len(op.inputs)
    raw.inputs, raw.outputs = list(range(count)), list(range(count, len(sub.tensors)))
    sub.inputs, sub.outputs, sub.operators = raw.inputs, raw.outputs, [raw]
    model.subgraphs = [sub]
    return pack(model)


def asked(content: bytes, values: Sequence[np.ndarray]) -> np.ndarray:
    """What the runtime makes of values: the first output."""
    from ai_edge_litert.interpreter import Interpreter

    with quiet():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), values, strict=True):
        interpreter.set_tensor(detail["index"], value.astype(detail["dtype"]))
    interpreter.invoke()
    made: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return made


def _copied(whole: object, index: int, shape: tuple[int, ...]) -> object:
    raw = copy.copy(whole.subgraphs[0].tensors[index])  # type: ignore[attr-defined]
    raw.shape, raw.shapeSignature, raw.buffer = list(shape), None, 0
    return raw
