"""Concatenations of what has unlike ranges, such as boxes and scores.

An integer concatenation has one scale for all that it joins: of scores of 0 to 1 beside coordinates
of 0 to 640 it leaves a single code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflq.ranges import Histogram
from tflq.tflite_side._file import drop_unused_tensors, pack
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._kernel_rules import SAME_SCALE

JOINING = frozenset({"CONCATENATION", "PACK"})
# Codes that an input spans at the least.
_FEWEST = 16


@dataclass(frozen=True, kw_only=True)
class NarrowJoin:
    """A concatenation that leaves one of its inputs too few codes.

    Attributes:
        op: the concatenation.
        codes: by tensor index, how many codes each such input spans.
        steps: it and the ops behind it, where these only move its values to outputs of the graph;
            empty elsewhere.
        outputs: places of those outputs.
    """

    op: Op
    codes: Mapping[int, float]
    steps: tuple[int, ...]
    outputs: tuple[int, ...]


def narrow_joins(
    graph: Graph,
    ranges: Mapping[int, tuple[float, float]],
    histograms: Mapping[int, Histogram],
    bits: Mapping[int, int | None],
) -> tuple[NarrowJoin, ...]:
    """Finds them among the integer ops.

    Args:
        graph: the float graph.
        ranges: (min, max) of activations by tensor index.
        histograms: statistics by tensor index.
        bits: bits of each activation; None for those in float.
    """
    found = []
    for op in graph.ops:
        width = bits.get(op.outputs[0]) if op.kind in JOINING else None
        if width is None or op.outputs[0] not in ranges:
            continue
        low, high = ranges[op.outputs[0]]
        code = (high - low) / (2**width - 1)
        spans = {t: _span(histograms.get(t)) / code for t in dict.fromkeys(op.inputs)}
        few = {t: codes for t, codes in spans.items() if 0 < codes < _FEWEST}
        if few:
            steps, outputs = _to_the_end(graph, op)
            found.append(NarrowJoin(op=op, codes=few, steps=steps, outputs=outputs))
    return tuple(found)


def _span(histogram: Histogram | None) -> float:
    return histogram.maximum - histogram.minimum if histogram and histogram.count else 0.0


def _to_the_end(graph: Graph, op: Op) -> tuple[tuple[int, ...], tuple[int, ...]]:
    steps, waiting, ends = [op.index], list(op.outputs), []
    while waiting:
        tensor = waiting.pop()
        readers = graph.consumers.get(tensor, ())
        if tensor in graph.outputs:
            ends.append(graph.outputs.index(tensor))
        elif not readers:
            return (), ()
        if any(reader.kind not in SAME_SCALE for reader in readers):
            return (), ()
        steps += [reader.index for reader in readers]
        waiting += [made for reader in readers for made in reader.outputs]
    return tuple(dict.fromkeys(steps)), tuple(sorted(set(ends)))


def ending_in(graph: Graph, tensors: Sequence[int]) -> bytes:
    """The .tflite with other outputs, without the ops that only led to those it had.

    Args:
        graph: the float graph; it is used up.
        tensors: what to hand out.
    """
    sub = graph.model.subgraphs[0]
    sub.outputs, graph.model.signatureDefs = list(tensors), None
    live = Graph(graph.model).live
    sub.operators = [
        raw
        for raw, op in zip(sub.operators, graph.ops, strict=True)
        if not op.outputs or not live.isdisjoint(op.outputs)
    ]
    drop_unused_tensors(graph.model)
    return pack(graph.model)
