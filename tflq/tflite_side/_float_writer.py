"""Writes a .tflite with int8 weights whose activations stay float32 (schemes w8, dynamic)."""

import contextlib
import io
from collections.abc import Mapping

import numpy as np

from tflq._errors import UserError
from tflq._quiet import quiet
from tflq._reasons import quantizer_reason
from tflq.scheme import Scheme, Writer
from tflq.tflite_side._file import pack, parse
from tflq.tflite_side._graph import Graph
from tflq.tflite_side._weights import set_weights


def write_float_activations(
    floating: Graph, bounds: Mapping[int, np.ndarray], bits: Mapping[int, int], scheme: Scheme
) -> Graph:
    """Quantizes weights only: ai-edge-quantizer rewrites the ops, the weights are set again.

    Args:
        floating: the normalized float graph.
        bounds: largest absolute weight by weight tensor index, one value or one a channel.
        bits: bits of a weight by the same index.
        scheme: whose writer says whether activations are quantized while running.

    Raises:
        UserError: ai-edge-quantizer refuses the model.
    """
    from ai_edge_quantizer import quantizer, recipe

    make = (
        recipe.dynamic_wi8_afp32
        if scheme.writer is Writer.DYNAMIC
        else recipe.weight_only_wi8_afp32
    )
    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        job = quantizer.Quantizer(bytearray(pack(floating.model)))
        job.load_quantization_recipe(make())
        try:
            content = bytes(job.quantize().quantized_model)
        except Exception as error:
            # It raises whatever it meets.
            raise UserError(
                f"ai-edge-quantizer refuses the model for scheme={scheme.name!r} "
                f"({quantizer_reason(error)}); choose scheme='w8a8', or export the model again."
            ) from error
    quantized = Graph(parse(content, name="the quantized file"))
    set_weights(quantized, floating, bounds, bits=bits)
    return Graph(quantized.model)
