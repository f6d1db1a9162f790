"""Ops that stay in float under any integer scheme, and why."""

from tflq.tflite_side._fused_lstm import FUSED_LSTM, is_plain
from tflq.tflite_side._graph import Graph


def float_only(graph: Graph) -> dict[int, str]:
    """Reasons by index of an op that no integer kernel computes as it was meant."""
    return {
        op.index: "it has peepholes, projection or layer normalization"
        for op in graph.ops
        if op.kind == FUSED_LSTM and not is_plain(op)
    }
