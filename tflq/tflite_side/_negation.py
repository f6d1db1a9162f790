"""Replaces NEG, which has no int8 kernel, by a multiplication with -1, which has one.

Keras 3 negates once in every LayerNormalization; left in float, each costs two conversions and
breaks the graph apart for XNNPACK.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._file import operator_code
from tflq.tflite_side._graph import Graph, Op


def negations(graph: Graph) -> tuple[Op, ...]:
    """The float32 NEG ops of a graph."""
    return tuple(
        op
        for op in graph.ops
        if op.kind == "NEG" and graph.tensors[op.outputs[0]].dtype == "float32"
    )


def multiply_instead(graph: Graph) -> None:
    """Rewrites the model of `graph` in place; float results stay the same bit for bit."""
    found = negations(graph)
    if not found:
        return
    minus_one = _add_minus_one(graph.model)
    code = operator_code(graph.model, schema.BuiltinOperator.MUL)
    for op in found:
        raw = graph.model.subgraphs[0].operators[op.index]
        raw.opcodeIndex = code
        raw.inputs = [op.inputs[0], minus_one]
        raw.builtinOptionsType = schema.BuiltinOptions.MulOptions
        raw.builtinOptions = schema.MulOptionsT()


def _add_minus_one(model: Any) -> int:
    data = np.frombuffer(np.float32(-1).tobytes(), np.uint8)
    model.buffers.append(schema.BufferT(data=data))
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.hasRank = b"minus_one", [], True
    tensor.type, tensor.buffer = schema.TensorType.FLOAT32, len(model.buffers) - 1
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1
