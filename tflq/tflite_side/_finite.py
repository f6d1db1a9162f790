"""Refuses constants that are no numbers, by their names."""

import numpy as np

from tflq._errors import UserError
from tflq.tflite_side._graph import Graph

_WITH_KERNELS = frozenset(
    {"CONV_2D", "CONV_3D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"}
)


def refuse_infinite(graph: Graph, name: str, *, bounds: bool = False) -> None:
    """Checks the float32 constants of a graph.

    Args:
        graph: the graph.
        name: how messages call it.
        bounds: let infinities pass that are no kernel's: they mask, or bound nothing.

    Raises:
        UserError: a constant holds NaN or infinity.
    """
    for tensor in graph.tensors:
        if tensor.dtype != "float32" or not tensor.is_constant:
            continue
        value = graph.constant(tensor.index)
        if np.isfinite(value).all():
            continue
        readers = graph.consumers.get(tensor.index, ())
        kernel = any(op.kind in _WITH_KERNELS for op in readers)
        if bounds and not kernel and not np.isnan(value).any():
            continue
        raise UserError(
            f"weight {tensor.name!r} of {name} holds NaN or infinity; restore a checkpoint from "
            "before training diverged."
        )
