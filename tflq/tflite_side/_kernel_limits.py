"""Scales that kernels can compute with.

An integer kernel multiplies what it has summed by input scale times weight scale over output scale,
and XNNPACK makes no kernel where that is 256 or more. A layer that gives next to nothing on the
calibrating data, such as a ReLU that is never reached, would have such an output scale. LiteRT's
16-bit ADD ends the process where twice an input's scale over the output's is 2^15 or more.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tflq.affine import Mode, code_limits, parameters
from tflq.tflite_side._assignment import Assignment, activation_bits, float_ops, weight_bits
from tflq.tflite_side._graph import Graph
from tflq.tflite_side._kernel_rules import NARROWEST, activations, fixed_range, same_scale_groups
from tflq.tflite_side._range_choice import Range, RangePlan
from tflq.tflite_side._weights import SLOTS, weights_of

# By bits, half of what kernels take, for scales are rounded and moved by the quantizer.
_LARGEST_RATIO = {8: 128.0, 16: 8192.0}
_PRODUCTS = frozenset({"BATCH_MATMUL", "MUL"})
_LINEAR = frozenset(
    {"ADD", "HARD_SWISH", "LEAKY_RELU", "MEAN", "PRELU", "RELU", "RELU6", "SUB", "SUM"}
)


def within_kernels(
    graph: Graph, plan: RangePlan, bounds: Mapping[int, np.ndarray], assignment: Assignment
) -> RangePlan:
    """Widens ranges of activations that are too narrow for the kernel that makes them.

    Args:
        graph: the float graph.
        plan: ranges of activations.
        bounds: largest absolute weight by weight tensor index.
        assignment: the scheme of every op.
    """
    bits, weights = activation_bits(graph, assignment), weight_bits(graph, assignment)
    groups = same_scale_groups(graph, apart=float_ops(assignment))
    group_of = {tensor: group for group in groups for tensor in group}
    ranges, origin = dict(plan.ranges), dict(plan.origin)
    made = replace(plan, ranges=ranges, origin=origin)
    for tensor in activations(graph):
        held, width = ranges.get(tensor), bits[tensor]
        if held is None or width is None or fixed_range(graph, tensor) is not None:
            continue
        least = _least_scale(graph, tensor, made, bounds, weights, width)
        if (wanted := _widened(held, least, width)) != held:
            ranges.update(dict.fromkeys(group_of[tensor], wanted))
            origin.update(dict.fromkeys(group_of[tensor], "kernel rule"))
    return made


def _least_scale(
    graph: Graph,
    tensor: int,
    plan: RangePlan,
    bounds: Mapping[int, np.ndarray],
    weights: Mapping[int, int],
    bits: int,
) -> float:
    """The scale of what the op sums, before it is brought to the scale of the output."""
    op = graph.producer.get(tensor)
    if op is None:
        return 0.0
    if op.kind in SLOTS:
        index = weights_of(graph, op)
        if index not in bounds:
            return 0.0
        _, highest = code_limits(weights[index], Mode.SYMMETRIC_RESTRICTED)
        data = _scale(graph, op.inputs[SLOTS[op.kind].data], plan, bits)
        return data * float(bounds[index].max(initial=0.0)) / highest
    scales = [_scale(graph, t, plan, bits) for t in op.inputs if _is_float(graph, t)]
    if op.kind in _PRODUCTS:
        return float(np.prod(scales))
    return max(scales, default=0.0) if op.kind in _LINEAR else 0.0


def _is_float(graph: Graph, tensor: int) -> bool:
    return tensor >= 0 and graph.tensors[tensor].dtype == "float32"


def _scale(graph: Graph, tensor: int, plan: RangePlan, bits: int) -> float:
    held = plan.ranges.get(tensor)
    if graph.tensors[tensor].is_constant:
        values = plan.constants.get(tensor, graph.constant(tensor))
        held = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if held is None or (bits == 16 and not any(held)):
        return 0.0
    if bits == 16:
        return max(-held[0], held[1]) / 32767
    return float(parameters(*held, bits=8, mode=Mode.ASYMMETRIC).scale)


def _widened(held: Range, least: float, bits: int) -> Range:
    low, high = held
    if low == high == 0:
        # Nothing is known of it: one code is as much as the kernel counts in.
        high = max((2**bits - 1) * least, NARROWEST) if least else 1.0
        return (0.0, high) if bits == 8 else (-high, high)
    scale = (high - low) / 255 if bits == 8 else max(-low, high) / 32767
    factor = least / _LARGEST_RATIO[bits] / scale
    return held if factor <= 1 else (low * factor, high * factor)
