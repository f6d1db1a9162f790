"""What TensorFlow's quantizer must know of a fused LSTM besides its input and its output.

The integer kernel (tensorflow/lite/kernels/lstm_eval.cc) keeps its output state in the codes of
its output, which it is copied to, and its cell state in int16 with a scale that is a power of
two. Five intermediate tensors tell the scales of what is inside; without layer normalization only
the last is read, the output before projection, which without projection is the output again.
"""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._graph import Graph, Op

FUSED_LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"

# Inputs by number: peepholes, projection, and layer normalization are left out by plain ones.
_EXTRAS = (9, 10, 11, 16, 17, 20, 21, 22, 23)
_OUTPUT_STATE, _CELL_STATE = 18, 19
# The kernel takes cell scales of 2**-9 at most, which reach as far: c = f * c + i * g grows by
# less than 1 a step, and sigmoid and tanh tell nothing beyond 8.
_LARGEST_CELL = 64.0
_INTERMEDIATES = ("input", "forget", "cell", "output", "hidden")


def add_inner_ranges(graph: Graph, ranges: Mapping[int, tuple[float, float]]) -> None:
    """Gives states and intermediates of LSTMs their ranges, in place.

    Args:
        graph: the float graph.
        ranges: (min, max) of activations by tensor index.
    """
    for op in graph.ops:
        if op.kind == FUSED_LSTM and op.outputs[0] in ranges:
            clip = float(op.options.cellClip)
            cell = min(clip, _LARGEST_CELL) if clip > 0 else _LARGEST_CELL
            _set(graph, op.inputs[_OUTPUT_STATE], *ranges[op.outputs[0]])
            _set(graph, op.inputs[_CELL_STATE], -cell, cell)
            _add_intermediates(graph, op, ranges[op.outputs[0]])


def is_plain(op: Op) -> bool:
    """Whether an LSTM has neither peepholes, projection nor layer normalization.

    Others are not written right by TensorFlow's quantizer.
    """
    return all(len(op.inputs) <= place or op.inputs[place] < 0 for place in _EXTRAS)


def _add_intermediates(graph: Graph, op: Op, output: tuple[float, float]) -> None:
    subgraph = graph.model.subgraphs[0]
    first = len(subgraph.tensors)
    for name in _INTERMEDIATES:
        tensor = schema.TensorT()
        tensor.name = f"{name}_of_{op.index}".encode()
        tensor.shape, tensor.type = [0], schema.TensorType.FLOAT32
        subgraph.tensors.append(tensor)
        _set(graph, len(subgraph.tensors) - 1, *output)
    made = list(range(first, len(subgraph.tensors)))
    subgraph.operators[op.index].intermediates = made


def _set(graph: Graph, tensor: int, low: float, high: float) -> None:
    quantization = schema.QuantizationParametersT()
    quantization.min, quantization.max = [np.float32(low)], [np.float32(high)]
    graph.model.subgraphs[0].tensors[tensor].quantization = quantization
