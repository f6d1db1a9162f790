"""Ops that stay in float under any integer scheme, and why."""

from tflq.tflite_side._fused_lstm import FUSED_LSTM, is_plain
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._weights import SLOTS

# By op that selects boxes, which of its inputs holds their scores.
_SCORES = {
    "NON_MAX_SUPPRESSION_V4": 1,
    "NON_MAX_SUPPRESSION_V5": 1,
    "TFLite_Detection_PostProcess": 1,
}
# What TensorFlow's quantizer makes of them computes something else, or not at all.
_KINDS = {
    "MATRIX_DIAG": "its integer kernel fills with code 0, which is not the value 0",
    "MATRIX_SET_DIAG": "its integer kernel does not convert between scales",
    "ONE_HOT": "its integer kernel does not convert between scales",
    "REVERSE_SEQUENCE": "it has no integer kernel",
    "SCATTER_ND": "its integer kernel adds up zero points, and leaves none where nothing is "
    "scattered",
}


def float_only(graph: Graph) -> dict[int, str]:
    """Reasons by index of an op that no integer kernel computes as it was meant."""
    found = {op.index: _reason(op) for op in graph.ops}
    return {index: reason for index, reason in found.items() if reason is not None}


def _reason(op: Op) -> str | None:
    if op.kind == FUSED_LSTM and not is_plain(op):
        return "it has peepholes, projection or layer normalization"
    return _KINDS.get(op.kind)


def ranked_scores(graph: Graph) -> dict[int, str]:
    """Reasons by index of an op that makes scores of boxes, from the last weighted ones on."""
    selecting = [op for op in graph.ops if op.kind in _SCORES]
    waiting = [(op.inputs[_SCORES[op.kind]], op.kind) for op in selecting]
    found: dict[int, str] = {}
    while waiting:
        tensor, kind = waiting.pop()
        op = graph.producer.get(tensor)
        if op is None or op.index in found:
            continue
        found[op.index] = f"8 bits make ties of the scores that {kind} ranks"
        if op.kind not in SLOTS:
            waiting += [(given, kind) for given in op.inputs]
    return found
