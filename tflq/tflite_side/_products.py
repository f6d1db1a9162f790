"""Replaces NEG and SQUARE by multiplications: they have no int8 kernel, MUL has one.

Keras 3 negates once in every LayerNormalization, and squares in RMSNormalization and
GroupNormalization; left in float, each costs two conversions and breaks the graph apart for
XNNPACK.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._file import operator_code
from tflq.tflite_side._graph import Graph


def multiply_instead(graph: Graph) -> bool:
    """Rewrites the float32 ones in place; float results stay the same bit for bit.

    Args:
        graph: a float graph.

    Returns:
        False if there was none.
    """
    found = [
        op
        for op in graph.ops
        if op.kind in ("NEG", "SQUARE") and graph.tensors[op.outputs[0]].dtype == "float32"
    ]
    if not found:
        return False
    code = operator_code(graph.model, schema.BuiltinOperator.MUL)
    minus_one = None
    for op in found:
        if op.kind == "NEG" and minus_one is None:
            minus_one = _add_minus_one(graph.model)
        raw = graph.model.subgraphs[0].operators[op.index]
        raw.opcodeIndex = code
        raw.inputs = [op.inputs[0], op.inputs[0] if op.kind == "SQUARE" else minus_one]
        raw.builtinOptionsType = schema.BuiltinOptions.MulOptions
        raw.builtinOptions = schema.MulOptionsT()
    return True


def _add_minus_one(model: Any) -> int:
    data = np.frombuffer(np.float32(-1).tobytes(), np.uint8)
    model.buffers.append(schema.BufferT(data=data))
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.hasRank = b"minus_one", [], True
    tensor.type, tensor.buffer = schema.TensorType.FLOAT32, len(model.buffers) - 1
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1
