"""Writes a .tflite with int8 weights whose activations stay float32 (schemes w8, dynamic)."""

import contextlib
import io
from collections.abc import Mapping

import numpy as np

from tflq._quiet import quiet
from tflq.scheme import Scheme, Writer
from tflq.tflite_side._file import pack, parse
from tflq.tflite_side._graph import Graph
from tflq.tflite_side._weights import SLOTS, weighted_ops, weights_of


def write_float_activations(
    floating: Graph, bounds: Mapping[int, np.ndarray], scheme: Scheme
) -> Graph:
    """Quantizes weights only, with ai-edge-quantizer.

    It takes a weight's scale from the largest value, so weights are clipped to the bounds.

    Args:
        floating: the normalized float graph; its weights are clipped in place.
        bounds: largest absolute weight by weight tensor index, one value or one a channel.
        scheme: whose writer says whether activations are quantized while running.
    """
    from ai_edge_quantizer import quantizer, recipe

    for op in weighted_ops(floating):
        index = weights_of(floating, op)
        _clip(floating, index, bounds[index], SLOTS[op.kind].channel_axis)
    make = (
        recipe.dynamic_wi8_afp32
        if scheme.writer is Writer.DYNAMIC
        else recipe.weight_only_wi8_afp32
    )
    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        job = quantizer.Quantizer(bytearray(pack(floating.model)))
        job.load_quantization_recipe(make())
        content = bytes(job.quantize().quantized_model)
    return Graph(parse(content, name="the quantized file"))


def _clip(graph: Graph, index: int, bound: np.ndarray, axis: int) -> None:
    weights = graph.constant(index)
    along = [1] * weights.ndim
    along[axis] = bound.size
    limit = bound.reshape(along).astype(np.float32)
    clipped = np.clip(weights, -limit, limit)
    buffer = graph.model.subgraphs[0].tensors[index].buffer
    graph.model.buffers[buffer].data = np.frombuffer(clipped.tobytes(), np.uint8)
