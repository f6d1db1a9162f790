"""Decides the integers of weights and biases: what the file's convolutions multiply with.

The converter derives a weight's scale from its largest value. Here the bound is ours
(calibrated, or trained), so weights and biases of the written file are set again:
scale = bound / 127, or bound / 7 at 4 bits (equation 5), weights rounded half to even, bias scale
= input scale times weight scale. A bound is raised where the int32 bias would otherwise overflow,
which happens in channels that are nearly dead.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.affine import Mode, code_limits, largest_bias
from tflq.tflite_side._graph import Graph, Op, counterparts
from tflq.tflite_side._int4 import pack_int4


@dataclass(frozen=True, kw_only=True)
class WeightSlots:
    """Where an op keeps its operands, and along which axis its output channels lie."""

    weights: int
    channel_axis: int
    data: int = 0
    bias: int = 2


SLOTS: dict[str, WeightSlots] = {
    "CONV_2D": WeightSlots(weights=1, channel_axis=0),
    "DEPTHWISE_CONV_2D": WeightSlots(weights=1, channel_axis=3),
    "FULLY_CONNECTED": WeightSlots(weights=1, channel_axis=0),
    "TRANSPOSE_CONV": WeightSlots(weights=1, channel_axis=0, data=2, bias=3),
}

# The version of an op that brought its kernel for int4 weights and int8 activations.
INT4_VERSIONS = {"CONV_2D": 7, "DEPTHWISE_CONV_2D": 7, "FULLY_CONNECTED": 10}


def weighted_ops(graph: Graph) -> tuple[Op, ...]:
    """The ops whose weights are stored in the file, but for those that nothing depends on."""
    return tuple(
        op
        for op in graph.ops
        if op.kind in SLOTS
        and graph.tensors[op.inputs[SLOTS[op.kind].weights]].is_constant
        and op.outputs[0] in graph.live
    )


def weights_of(graph: Graph, op: Op) -> int:
    """Index of the op's weight tensor."""
    return op.inputs[SLOTS[op.kind].weights]


def bias_of(graph: Graph, op: Op) -> int | None:
    """Index of the op's stored bias, or None."""
    slot = SLOTS[op.kind].bias
    if slot >= len(op.inputs) or op.inputs[slot] < 0:
        return None
    return op.inputs[slot] if graph.tensors[op.inputs[slot]].is_constant else None


def set_weights_and_biases(
    integer: Graph,
    floating: Graph,
    bounds: Mapping[int, np.ndarray],
    *,
    bits: Mapping[int, int],
) -> None:
    """Writes weights and biases of an integer graph in place.

    Args:
        integer: the int8 graph, as the converter wrote it.
        floating: the float graph it was made from.
        bounds: by index of the float weight tensor, the largest absolute value a code stands
            for: one value, or one a channel. Weights without a bound stay as they are.
        bits: bits of a weight by the same index; 4 are stored as int4, others as int8.
    """
    pairs = [p for p in _counterparts(integer, floating) if weights_of(floating, p[2]) in bounds]
    used: dict[int, np.ndarray] = {}
    for op, _, source in pairs:
        index = weights_of(floating, source)
        floor = _bias_floor(integer, op, floating, source, bits[index])
        used[index] = np.maximum(used.get(index, bounds[index]), _shaped(floor, bounds[index]))
    for op, stored, source in pairs:
        index = weights_of(floating, source)
        scale = _set_weights(integer, stored, floating, source, used[index], bits[index])
        _set_bias(integer, op, floating, source, scale)


def set_weights(
    quantized: Graph,
    floating: Graph,
    bounds: Mapping[int, np.ndarray],
    *,
    bits: Mapping[int, int],
) -> None:
    """Writes the weights of a graph whose biases stay float, in place; as above."""
    for _, stored, source in _counterparts(quantized, floating):
        index = weights_of(floating, source)
        _set_weights(quantized, stored, floating, source, bounds[index], bits[index])


def held_bounds(
    quantized: Graph, floating: Graph, *, bits: Mapping[int, int]
) -> dict[int, np.ndarray]:
    """Reads back the bounds that the file's weight scales stand for.

    Args:
        quantized: a graph made from `floating`.
        floating: the float graph.
        bits: bits of a weight by index of the float weight tensor.

    Returns:
        `{index of the float weight tensor: largest absolute value a code stands for}`.
    """
    held: dict[int, np.ndarray] = {}
    for _, stored, source in _counterparts(quantized, floating):
        quantization = quantized.tensors[stored].quantization
        assert quantization is not None, "integer weights have a scale"
        index = weights_of(floating, source)
        if index in bits:
            _, highest = code_limits(bits[index], Mode.SYMMETRIC_RESTRICTED)
            held[index] = quantization.scale.astype(np.float64) * highest
    return held


def _counterparts(quantized: Graph, floating: Graph) -> list[tuple[Op, int, Op]]:
    """(op, its integer weights, the float op it comes from).

    Where a graph dequantizes its weights on loading, they lie before that.
    """
    weighted = {op.index for op in weighted_ops(floating)}
    found = []
    for op, source in counterparts(quantized, floating):
        if source.index not in weighted:
            continue
        stored = weights_of(quantized, op)
        if stored in quantized.producer:
            stored = quantized.producer[stored].inputs[0]
        tensor = quantized.tensors[stored]
        if tensor.is_constant and tensor.dtype in ("int8", "int4"):
            found.append((op, stored, source))
    return found


def _bias_floor(integer: Graph, op: Op, floating: Graph, source: Op, bits: int) -> np.ndarray:
    bias = bias_of(floating, source)
    if bias is None:
        return np.zeros(1)
    _, highest = code_limits(bits, Mode.SYMMETRIC_RESTRICTED)
    magnitude = np.abs(floating.constant(bias).astype(np.float64)).reshape(-1)
    return highest * magnitude / (_input_scale(integer, op) * largest_bias(bits))


def _shaped(floor: np.ndarray, bound: np.ndarray) -> np.ndarray:
    return floor if bound.size == floor.size else np.full(bound.shape, floor.max())


def _input_scale(integer: Graph, op: Op) -> float:
    quantization = integer.tensors[op.inputs[SLOTS[op.kind].data]].quantization
    assert quantization is not None, "an op with int8 weights reads an int8 tensor"
    return float(quantization.scale[0])


def _set_weights(
    graph: Graph, stored: int, floating: Graph, source: Op, bound: np.ndarray, bits: int
) -> np.ndarray:
    """Returns the scales, as float64 of the float32 values that the file holds."""
    _, highest = code_limits(bits, Mode.SYMMETRIC_RESTRICTED)
    # A dead channel has no bound; any scale serves it.
    scale = np.where(bound > 0, bound / highest, 1.0).astype(np.float32).astype(np.float64)
    axis = SLOTS[source.kind].channel_axis
    weights = floating.constant(weights_of(floating, source)).astype(np.float64)
    along = [1] * weights.ndim
    along[axis] = scale.size
    codes = np.clip(np.rint(weights / scale.reshape(along)), -highest, highest)
    raw = graph.model.subgraphs[0].tensors[stored]
    raw.type = schema.TensorType.INT4 if bits == 4 else schema.TensorType.INT8
    packed = pack_int4(codes.astype(np.int8)) if bits == 4 else codes.astype(np.int8)
    _store(graph, stored, packed, scale, axis)
    return scale


def _set_bias(integer: Graph, op: Op, floating: Graph, source: Op, scale: np.ndarray) -> None:
    bias, float_bias = bias_of(integer, op), bias_of(floating, source)
    if bias is None:
        return
    bias_scale = (_input_scale(integer, op) * scale).astype(np.float32).astype(np.float64)
    width = integer.constant(bias).size
    values = np.zeros(width) if float_bias is None else floating.constant(float_bias)
    codes = np.rint(values.reshape(-1).astype(np.float64) / bias_scale)
    _store(integer, bias, codes.astype(np.int32), bias_scale, 0)


def _store(graph: Graph, index: int, codes: np.ndarray, scale: np.ndarray, axis: int) -> None:
    raw = graph.model.subgraphs[0].tensors[index]
    graph.model.buffers[raw.buffer].data = np.frombuffer(codes.tobytes(), np.uint8)
    raw.quantization.scale = scale.astype(np.float32)
    raw.quantization.zeroPoint = np.zeros(scale.size, np.int64)
    raw.quantization.quantizedDimension = axis if scale.size > 1 else 0
    raw.quantization.min = raw.quantization.max = None
