"""Gives every op the version that what it does needs.

A version of an op is a promise: a runtime that does not know it refuses the file. One that is too
low is worse than none, for older runtimes load such a file and compute something else from it, such
as all channels by the first one's scale. What a version brought is in TensorFlow Lite's own
tools/versioning/op_version.cc; here is what quantization makes of an op. What the float op needed
is in the float file, so versions are only ever raised.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._int16_kernels import INT16_VERSIONS
from tflq.tflite_side._runtime_versions import set_min_runtime_version
from tflq.tflite_side._weights import INT4_VERSIONS, SLOTS


def set_versions(model: Any) -> None:
    """Raises the versions of a finished model's ops and says which runtimes know them, in place.

    Codes that no op uses go: a runtime may refuse a file for an op that is only announced.
    """
    needed: dict[int, int] = {}
    for number, subgraph in enumerate(model.subgraphs):
        graph = Graph(model, number)
        for op, raw in zip(graph.ops, subgraph.operators or [], strict=True):
            version = max(needed.get(raw.opcodeIndex, 1), needed_version(graph, op))
            needed[raw.opcodeIndex] = version
    places = {old: new for new, old in enumerate(sorted(needed))}
    for index, version in needed.items():
        code = model.operatorCodes[index]
        code.version = max(code.version, version)
    model.operatorCodes = [model.operatorCodes[index] for index in sorted(needed)]
    for subgraph in model.subgraphs:
        for raw in subgraph.operators or []:
            raw.opcodeIndex = places[raw.opcodeIndex]
    set_min_runtime_version(model)


def needed_version(graph: Graph, op: Op) -> int:
    """The lowest version of an op whose runtimes compute it right, as far as quantization goes."""
    use = _Use(graph=graph, op=op)
    versions = [1, _by_type(use)]
    versions += [version for version, holds in _RULES.get(op.kind, ()) if holds(use)]
    return max(versions)


@dataclass(frozen=True, kw_only=True)
class _Use:
    """One op and what it reads and makes."""

    graph: Graph
    op: Op

    @property
    def data(self) -> str:
        """Dtype of what is computed with."""
        slots = SLOTS.get(self.op.kind)
        return self.input(_DATA_SLOTS.get(self.op.kind, 0) if slots is None else slots.data)

    @property
    def weights(self) -> str:
        return self.input(SLOTS[self.op.kind].weights)

    @property
    def made(self) -> str:
        return self.graph.tensors[self.op.outputs[0]].dtype

    def input(self, slot: int) -> str:
        if slot >= len(self.op.inputs) or self.op.inputs[slot] < 0:
            return ""
        return self.graph.tensors[self.op.inputs[slot]].dtype

    def scales(self, tensor: int) -> int:
        held = self.graph.tensors[tensor].quantization
        return 0 if held is None else held.scale.size


_Rule = Callable[[_Use], bool]

# Where what is computed with is not the first operand.
_DATA_SLOTS = {"FILL": 1, "SCATTER_ND": 1, "SELECT": 1, "SELECT_V2": 1, "SPARSE_TO_DENSE": 2}
_DATA_SLOTS |= {"SPLIT": 1}

# The version that brought the int8 kernel; where none is told, the first one did.
_SECOND = """
    ABS ADD ARG_MAX ARG_MIN AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND CONCATENATION
    DEPTH_TO_SPACE DEQUANTIZE EQUAL EXP FLOOR_MOD GATHER GELU GREATER GREATER_EQUAL
    L2_NORMALIZATION LESS LESS_EQUAL LOG LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM
    MIRROR_PAD MUL NOT_EQUAL PACK PAD PADV2 REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU RELU6
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SELECT SLICE SOFTMAX SPACE_TO_BATCH_ND
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARED_DIFFERENCE STRIDED_SLICE SUB SUM TANH TOPK_V2
    TRANSPOSE TRANSPOSE_CONV UNPACK
"""
_INT8_VERSIONS = dict.fromkeys(_SECOND.split(), 2)
_INT8_VERSIONS |= {"BROADCAST_TO": 3, "CAST": 3, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3}
_INT8_VERSIONS |= {"FILL": 3, "FLOOR_DIV": 3, "FULLY_CONNECTED": 4, "REVERSE_V2": 3}
_INT8_VERSIONS |= {"SPARSE_TO_DENSE": 3, "SVDF": 3, "TILE": 3}

_OTHER_INT16_VERSIONS = {
    "DEQUANTIZE": 3,
    "DYNAMIC_UPDATE_SLICE": 4,
    "EQUAL": 5,
    "FLOOR_DIV": 3,
    "FLOOR_MOD": 2,
    "GREATER_EQUAL": 3,
    "LESS": 3,
    "NOT_EQUAL": 4,
    "TOPK_V2": 3,
}


def _by_type(use: _Use) -> int:
    if use.data == "int8":
        return _INT8_VERSIONS.get(use.op.kind, 1)
    if use.data == "int16":
        return max(versions.get(use.op.kind, 1) for versions in _INT16)
    return 1


_INT16 = (INT16_VERSIONS, _OTHER_INT16_VERSIONS)


def _hybrid(use: _Use) -> bool:
    """Integer weights, and activations that the kernel quantizes while it runs."""
    return use.data == "float32" and use.weights == "int8"


def _hybrid_channels(use: _Use) -> bool:
    weights = use.op.inputs[SLOTS[use.op.kind].weights]
    return _hybrid(use) and use.scales(weights) > 1


def _asymmetric(use: _Use) -> bool:
    """Whether a hybrid kernel gives activations a zero point."""
    return use.data == "float32" and bool(getattr(use.op.options, "asymmetricQuantizeInputs", 0))


def _int4_weights(use: _Use) -> bool:
    return use.weights == "int4"


def _own_bias_type(use: _Use) -> bool:
    return use.data == "int16" and bool(getattr(use.op.options, "quantizedBiasType", 0))


def _int16_rows(use: _Use) -> bool:
    """Whether an int16 dense layer with a scale a channel keeps more than two dimensions.

    TensorFlow Lite 2.14 reads the first two as rows and columns, and says nothing; the next
    version of the op is the first that it refuses.
    """
    channels = use.scales(use.op.inputs[1]) > 1
    rank = len(use.graph.tensors[use.op.outputs[0]].shape)
    return use.data == "int16" and channels and rank > 2


def _has_bias(use: _Use) -> bool:
    return bool(use.input(SLOTS[use.op.kind].bias))


def _activated(use: _Use) -> bool:
    return bool(getattr(use.op.options, "fusedActivationFunction", 0))


def _enlarges(use: _Use) -> bool:
    """Whether a product's codes are rescaled by 1 or more."""
    held = [use.graph.tensors[t].quantization for t in (*use.op.inputs[:2], use.op.outputs[0])]
    if any(one is None for one in held):
        return False
    first, second, product = (float(one.scale[0]) for one in held if one is not None)
    return first * second >= product


_RULES: dict[str, tuple[tuple[int, _Rule], ...]] = {
    "CONV_2D": (
        (2, _hybrid),
        (5, _hybrid_channels),
        (INT4_VERSIONS["CONV_2D"], _int4_weights),
        (8, _own_bias_type),
    ),
    "DEPTHWISE_CONV_2D": (
        (4, _hybrid),
        (6, _hybrid_channels),
        (INT4_VERSIONS["DEPTHWISE_CONV_2D"], _int4_weights),
    ),
    "FULLY_CONNECTED": (
        (3, _hybrid),
        (6, lambda use: len(use.op.inputs) == 2),
        (9, lambda use: _hybrid(use) and _asymmetric(use)),
        (INT4_VERSIONS["FULLY_CONNECTED"], _int4_weights),
        (11, lambda use: _own_bias_type(use) or _int16_rows(use)),
        (12, _hybrid_channels),
        (13, lambda use: _int4_weights(use) and use.data == "int16"),
    ),
    "TRANSPOSE_CONV": (
        (2, _hybrid),
        (3, _has_bias),
        (4, _activated),
        (5, _own_bias_type),
    ),
    "BATCH_MATMUL": ((4, lambda use: use.input(1) == "int8" and _asymmetric(use)),),
    "EMBEDDING_LOOKUP": (
        (3, lambda use: use.input(1) == "int8"),
        (4, lambda use: use.scales(use.op.inputs[1]) > 1 or use.input(1) == "int4"),
    ),
    "DEQUANTIZE": (
        (3, lambda use: use.data == "float16"),
        (5, lambda use: use.scales(use.op.inputs[0]) > 1),
        (6, lambda use: use.data == "int4"),
    ),
    "QUANTIZE": (
        (2, lambda use: "int16" in (use.data, use.made)),
        (3, lambda use: use.scales(use.op.outputs[0]) > 1),
        (4, lambda use: "int4" in (use.data, use.made)),
    ),
    "CAST": ((3, lambda use: use.made == "int8"),),
    "MUL": ((3, _enlarges),),
    "GATHER": ((7, lambda use: use.data == "int4"),),
}
