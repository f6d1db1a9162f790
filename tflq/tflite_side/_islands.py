"""Brings ops back to int8 that TensorFlow's quantizer left in float for no reason.

Its pass over ops with several results (SPLIT, UNPACK) depends on addresses in memory: one run
quantizes them, the next leaves them between a DEQUANTIZE and a QUANTIZE of the same scale. Ops
that only move values compute the same in codes, so those conversions go.
"""

import copy
from typing import Any

import numpy as np

from tflq.tflite_side._graph import Graph, Op, Quantization
from tflq.tflite_side._kernel_rules import SAME_SCALE


def close_islands(model: Any) -> None:
    """Rewrites such islands in place, until none is left."""
    while True:
        graph = Graph(model)
        island = next((op for op in graph.ops if _is_needless(graph, op)), None)
        if island is None:
            return
        _close(graph, island)


def _is_needless(graph: Graph, op: Op) -> bool:
    if op.kind not in SAME_SCALE or graph.tensors[op.outputs[0]].dtype != "float32":
        return False
    sources = [_before_dequantize(graph, t) for t in _float_inputs(graph, op)]
    if not sources or None in sources:
        return False
    scale = graph.tensors[sources[0]].quantization  # type: ignore[index]
    quantizations = [graph.tensors[s].quantization for s in sources if s is not None]
    for output in op.outputs:
        if output in graph.outputs:
            return False
        for reader in graph.consumers.get(output, ()):
            if reader.kind != "QUANTIZE":
                return False
            quantizations.append(graph.tensors[reader.outputs[0]].quantization)
    return all(_same(scale, other) for other in quantizations)


def _float_inputs(graph: Graph, op: Op) -> list[int]:
    return [t for t in op.inputs if t >= 0 and graph.tensors[t].dtype == "float32"]


def _before_dequantize(graph: Graph, tensor: int) -> int | None:
    op = graph.producer.get(tensor)
    if op is None or op.kind != "DEQUANTIZE" or graph.tensors[op.inputs[0]].dtype != "int8":
        return None
    return op.inputs[0]


def _same(one: Quantization | None, other: Quantization | None) -> bool:
    return (
        one is not None
        and other is not None
        and np.array_equal(one.scale, other.scale)
        and np.array_equal(one.zero_point, other.zero_point)
    )


def _close(graph: Graph, island: Op) -> None:
    subgraph = graph.model.subgraphs[0]
    codes = {t: _before_dequantize(graph, t) for t in _float_inputs(graph, island)}
    like = subgraph.tensors[next(iter(codes.values()))]
    replaced: dict[int, int] = {}
    removed: set[int] = set()
    for output in island.outputs:
        subgraph.tensors[output].type = like.type
        subgraph.tensors[output].quantization = copy.deepcopy(like.quantization)
        for reader in graph.consumers.get(output, ()):
            replaced[reader.outputs[0]] = output
            removed.add(reader.index)
    for tensor in codes:
        # Others may still read the float values.
        if len(graph.consumers[tensor]) == 1 and tensor not in graph.outputs:
            removed.add(graph.producer[tensor].index)
    raw = subgraph.operators[island.index]
    raw.inputs = [codes.get(int(t), int(t)) for t in raw.inputs]
    for operator in subgraph.operators:
        if operator.inputs is not None:
            operator.inputs = [replaced.get(int(t), int(t)) for t in operator.inputs]
    subgraph.outputs = [replaced.get(int(t), int(t)) for t in subgraph.outputs]
    subgraph.operators = [o for i, o in enumerate(subgraph.operators) if i not in removed]
