"""Compares what was asked of a file with what it holds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tflq.affine import Mode, parameters
from tflq.tflite_side._graph import Graph, Quantization
from tflq.tflite_side._kernel_rules import FIXED_OUTPUT, SAME_SCALE, fixed_range

# TensorFlow's quantizer adds 1e-6 to both ends of a range that is narrower than that.
_NARROWEST = 1e-6


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
    integer: Graph, floating: Graph, ranges: Mapping[int, tuple[float, float]]
) -> tuple[Deviation, ...]:
    """Every activation whose scale or zero point is not that of the range asked for it."""
    deviations = []
    for index, (low, high) in ranges.items():
        name = floating.tensors[index].name
        tensor = integer.by_name.get(name)
        held = None if tensor is None else tensor.quantization
        if held is None or not _equal(held, low, high):
            deviations.append(
                Deviation(
                    tensor=name,
                    asked=(low, high),
                    held=None if held is None else _range(held),
                    rule=_rule(floating, index, (low, high), held, gone=tensor is None),
                )
            )
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


def _equal(held: Quantization, low: float, high: float) -> bool:
    wanted = parameters(low, high, bits=8, mode=Mode.ASYMMETRIC)
    return (
        held.scale.size == 1
        and bool(np.isclose(held.scale[0], wanted.scale, rtol=1e-5, atol=0))
        and int(held.zero_point[0]) == int(wanted.zero_point)
    )


def _range(held: Quantization) -> tuple[float, float]:
    scale, zero_point = float(held.scale[0]), int(held.zero_point[0])
    return scale * (-128 - zero_point), scale * (127 - zero_point)


def _rule(
    floating: Graph,
    index: int,
    asked: tuple[float, float],
    held: Quantization | None,
    *,
    gone: bool,
) -> str:
    producer = floating.producer.get(index)
    if gone:
        return "the tensor was merged into another op"
    if held is None:
        return "stayed float: no int8 kernel on either side"
    if producer is not None and fixed_range(floating, index) is not None:
        fixed = FIXED_OUTPUT[producer.kind]
        return f"{producer.kind} has the fixed scale {fixed.scale:g}"
    if asked[1] - asked[0] < _NARROWEST:
        return f"narrower than {_NARROWEST:g}: TensorFlow's quantizer widens it"
    readers = floating.consumers.get(index, ())
    tied = [op for op in (producer, *readers) if op is not None and op.kind in SAME_SCALE]
    if tied:
        return f"{tied[0].kind} shares the scale of its inputs and output"
    return "changed by TensorFlow's quantizer"
