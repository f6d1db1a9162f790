"""Compares what was asked of a file with what it holds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tflq.affine import Mode, code_limits, parameters
from tflq.tflite_side._assignment import Assignment, activation_bits, has_int16_kernel
from tflq.tflite_side._graph import Graph, Quantization, Tensor
from tflq.tflite_side._kernel_rules import NARROWEST, SAME_SCALE, fixed_range


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """A range that the file does not hold as asked.

    Attributes:
        tensor: name of the activation or weight tensor.
        asked: the (min, max) that was asked.
        held: the (min, max) that the file's scale and zero point stand for, or None where the
            tensor stayed float or is gone.
        rule: why.
    """

    tensor: str
    asked: tuple[float, float]
    held: tuple[float, float] | None
    rule: str


def activation_deviations(
    integer: Graph,
    floating: Graph,
    ranges: Mapping[int, tuple[float, float]],
    assignment: Assignment,
) -> tuple[Deviation, ...]:
    """Every activation whose dtype, scale or zero point is not what was asked for it."""
    bits = activation_bits(floating, assignment)
    deviations = []
    for index, (low, high) in ranges.items():
        name = floating.tensors[index].name
        tensor = integer.by_name.get(name)
        rule = _dtype_rule(floating, index, tensor, assignment)
        if rule is None and bits[index] is not None and not _equal(tensor, low, high):
            rule = _rule(floating, index, (low, high), tensor)
        if rule is not None:
            held = _range(tensor)
            deviations.append(Deviation(tensor=name, asked=(low, high), held=held, rule=rule))
    return tuple(deviations)


def weight_deviations(
    floating: Graph, asked: Mapping[int, np.ndarray], held: Mapping[int, np.ndarray]
) -> tuple[Deviation, ...]:
    """Weight tensors whose bound had to grow, or that are not ours to set."""
    deviations = []
    for index, bound in asked.items():
        found = held.get(index)
        # A dead channel has no bound: any scale serves it.
        alive = bound > 0
        if found is not None and np.allclose(found[alive], bound[alive], rtol=1e-5, atol=0):
            continue
        top = float(bound.max())
        largest = None if found is None else float(found[alive].max())
        deviations.append(
            Deviation(
                tensor=floating.tensors[index].name,
                asked=(-top, top),
                held=None if largest is None else (-largest, largest),
                rule=_weight_rule(found, bound),
            )
        )
    return tuple(deviations)


def _weight_rule(held: np.ndarray | None, bound: np.ndarray) -> str:
    if held is None:
        return "its op stayed float or was merged into another"
    if np.any((held > bound * (1 + 1e-5)) & (bound > 0)):
        return "widened in channels so nearly dead that their int32 bias would overflow"
    return "changed by the writer"


# How activations of a dtype are quantized.
_CODES = {"int8": (8, Mode.ASYMMETRIC), "int16": (16, Mode.SYMMETRIC_RESTRICTED)}


def _quantization(tensor: Tensor | None) -> Quantization | None:
    return tensor.quantization if tensor is not None and tensor.dtype in _CODES else None


def _equal(tensor: Tensor | None, low: float, high: float) -> bool:
    held = _quantization(tensor)
    if tensor is None or held is None:
        return False
    bits, mode = _CODES[tensor.dtype]
    wanted = parameters(low, high, bits=bits, mode=mode)
    return (
        held.scale.size == 1
        and bool(np.isclose(held.scale[0], wanted.scale, rtol=1e-5, atol=0))
        and int(held.zero_point[0]) == int(wanted.zero_point)
    )


def _range(tensor: Tensor | None) -> tuple[float, float] | None:
    held = _quantization(tensor)
    if tensor is None or held is None:
        return None
    scale, zero_point = float(held.scale[0]), int(held.zero_point[0])
    low, high = code_limits(*_CODES[tensor.dtype])
    return scale * (low - zero_point), scale * (high - zero_point)


def _dtype_rule(
    floating: Graph, index: int, tensor: Tensor | None, assignment: Assignment
) -> str | None:
    """Why an activation has another dtype than its op's scheme asks for; None where it has not."""
    producer = floating.producer.get(index)
    if producer is None or tensor is None or tensor.dtype != "int8":
        return None
    scheme = assignment[producer.index]
    if scheme is None:
        return "stayed int8: TensorFlow's quantizer changed the op that float32 was asked for"
    if scheme.activation_bits != 16:
        return None
    if has_int16_kernel(floating, producer):
        return "stayed int8: TensorFlow's quantizer changed the op that int16 was asked for"
    return f"{producer.kind} has no int16 kernel and computes in int8"


def _rule(floating: Graph, index: int, asked: tuple[float, float], tensor: Tensor | None) -> str:
    producer = floating.producer.get(index)
    if tensor is None:
        return "the tensor was merged into another op"
    held = _quantization(tensor)
    if held is None:
        return "stayed float: no integer kernel on either side"
    if producer is not None and fixed_range(floating, index) is not None:
        return f"{producer.kind} has the fixed scale {float(held.scale[0]):g}"
    if asked[1] - asked[0] < NARROWEST:
        return f"narrower than {NARROWEST:g}: TensorFlow's quantizer widens it"
    readers = floating.consumers.get(index, ())
    tied = [op for op in (producer, *readers) if op is not None and op.kind in SAME_SCALE]
    if tied:
        return f"{tied[0].kind} shares the scale of its inputs and output"
    return "changed by TensorFlow's quantizer"
