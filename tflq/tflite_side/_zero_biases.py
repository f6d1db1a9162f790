"""Gives ops a bias of zeros where they have none, so that there is something to correct."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._graph import Graph
from tflq.tflite_side._weights import SLOTS, weighted_ops, weights_of
from tflq.tflite_side._windows import SUPPORTED


def add_zero_biases(graph: Graph) -> bool:
    """Adds what is missing, in place; False if nothing was."""
    model, subgraph = graph.model, graph.model.subgraphs[0]
    added = False
    for op in weighted_ops(graph):
        slots, raw = SLOTS[op.kind], subgraph.operators[op.index]
        has_bias = len(op.inputs) > slots.bias and op.inputs[slots.bias] >= 0
        if has_bias or op.kind not in SUPPORTED:
            continue
        weights = weights_of(graph, op)
        zeros = np.zeros(graph.constant(weights).shape[slots.channel_axis], np.float32)
        model.buffers.append(schema.BufferT(data=np.frombuffer(zeros.tobytes(), np.uint8)))
        tensor = schema.TensorT()
        tensor.name = f"{graph.tensors[weights].name}/bias_{op.index}".encode()
        tensor.shape, tensor.hasRank = [zeros.size], True
        tensor.type, tensor.buffer = schema.TensorType.FLOAT32, len(model.buffers) - 1
        subgraph.tensors.append(tensor)
        raw.inputs = [*op.inputs[: slots.bias], len(subgraph.tensors) - 1]
        added = True
    return added
