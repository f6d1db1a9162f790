"""What quantization-aware training decided, found again in the converted graph."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tflq._float_model import TrainedWeights, weights_digest
from tflq.scheme import Scheme
from tflq.tflite_side._derived_ranges import Range
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._kernel_rules import activations, same_scale_groups
from tflq.tflite_side._weights import weighted_ops, weights_of


def trained_bounds(graph: Graph, weights: Mapping[str, TrainedWeights]) -> dict[int, np.ndarray]:
    """Largest absolute weights by weight tensor index, for the weights that were trained."""
    return {index: found.bound for index, found in _found(graph, weights).items()}


def trained_assignment(
    graph: Graph,
    assignment: Mapping[int, Scheme | None],
    weights: Mapping[str, TrainedWeights],
    ranges: Mapping[int, Range] | None,
) -> dict[int, Scheme | None]:
    """Gives every op the scheme that it was trained for.

    Ops with stored weights that were not trained stay float, as do ops that read or write an
    activation without a range, such as the softmax inside attention: it was not quantized in
    training, though its kernel prescribes a range.

    Args:
        graph: the float graph.
        assignment: the scheme of every op, by index.
        weights: what was trained, by digest.
        ranges: trained and derived ranges of activations; None where data will give the others.
    """
    found, weighted = _found(graph, weights), {op.index for op in weighted_ops(graph)}
    rangeless: frozenset[int] = frozenset() if ranges is None else _rangeless(graph, ranges)
    trained: dict[int, Scheme | None] = {}
    for op in graph.ops:
        scheme = assignment[op.index]
        if op.index in weighted and scheme is not None:
            held = found.get(weights_of(graph, op))
            fine = held is not None and held.bound.size > 1
            scheme = (
                None if held is None else replace(scheme, weight_bits=held.bits, per_channel=fine)
            )
        trained[op.index] = None if _touches(op, rangeless) else scheme
    return trained


def _found(graph: Graph, weights: Mapping[str, TrainedWeights]) -> dict[int, TrainedWeights]:
    found = {}
    for op in weighted_ops(graph):
        index = weights_of(graph, op)
        digest = weights_digest(graph.constant(index))
        if digest in weights:
            found[index] = weights[digest]
    return found


def _rangeless(graph: Graph, ranges: Mapping[int, Range]) -> frozenset[int]:
    known = set(ranges).intersection(activations(graph))
    missing = [group for group in same_scale_groups(graph) if not known.intersection(group)]
    return frozenset(tensor for group in missing for tensor in group)


def _touches(op: Op, tensors: frozenset[int]) -> bool:
    return bool(tensors.intersection((*op.inputs, *op.outputs)))
