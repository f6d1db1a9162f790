"""Stores large float32 constants in 16 bits where that loses nothing.

Constants that a weight-only file keeps in float, such as tables of embeddings, would take twice the
room that they took in a file of float16 weights.
"""

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._file import conversion
from tflq.tflite_side._graph import Graph

# Values; below, the conversion's own tensor and op take about as much.
_WORTH = 1024


def halve_constants(graph: Graph) -> None:
    """Lays a DEQUANTIZE in front of the readers of such constants, in place."""
    model, subgraph = graph.model, graph.model.subgraphs[0]
    conversions = []
    for tensor in graph.tensors:
        if tensor.dtype != "float32" or not tensor.is_constant or tensor.is_variable:
            continue
        value = graph.constant(tensor.index)
        if value.size < _WORTH:
            continue
        with np.errstate(over="ignore"):
            half = value.astype(np.float16)
        if np.array_equal(half.astype(np.float32), value):
            conversions.append(_halved(model, subgraph, tensor.index, half))
    subgraph.operators = [*conversions, *subgraph.operators]


def _halved(model: Any, subgraph: Any, tensor: int, half: np.ndarray) -> Any:
    raw = subgraph.tensors[tensor]
    stored = copy.copy(raw)
    stored.name, stored.type = (raw.name or b"") + b"_float16", schema.TensorType.FLOAT16
    stored.buffer, raw.buffer = len(model.buffers), 0
    model.buffers.append(schema.BufferT(data=np.frombuffer(half.tobytes(), np.uint8)))
    subgraph.tensors.append(stored)
    return conversion(model, "DEQUANTIZE", len(subgraph.tensors) - 1, tensor)
