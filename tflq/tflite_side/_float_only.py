"""Ops that stay in float under any integer scheme, and why."""

from tflq.tflite_side._fused_lstm import FUSED_LSTM, is_plain
from tflq.tflite_side._graph import Graph, Op

# What TensorFlow's quantizer makes of them computes something else, or not at all.
_KINDS = {
    "MATRIX_DIAG": "its kernel fills with code 0, which is not the value 0",
    "MATRIX_SET_DIAG": "its kernel does not convert between scales",
    "ONE_HOT": "its kernel does not convert between scales",
    "REVERSE_SEQUENCE": "it has no integer kernel",
}


def float_only(graph: Graph) -> dict[int, str]:
    """Reasons by index of an op that no integer kernel computes as it was meant."""
    found = {op.index: _reason(op) for op in graph.ops}
    return {index: reason for index, reason in found.items() if reason is not None}


def _reason(op: Op) -> str | None:
    if op.kind == FUSED_LSTM and not is_plain(op):
        return "it has peepholes, projection or layer normalization"
    return _KINDS.get(op.kind)
