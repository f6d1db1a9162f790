"""What is left of a graph after some of its ops, as a file of its own."""

import copy
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._file import pack
from tflq.tflite_side._graph import Graph


def live_tensors(graph: Graph, first: int) -> tuple[int, ...]:
    """The tensors that op `first` and those after it, or the graph's outputs, need of the others.

    Args:
        graph: any graph.
        first: index of an op, or one more than the last.
    """
    made = {tensor for op in graph.ops[first:] for tensor in op.outputs}
    read = [tensor for op in graph.ops[first:] for tensor in op.inputs]
    wanted = dict.fromkeys(t for t in (*read, *graph.outputs) if t >= 0 and t not in made)
    stored = (graph.tensors[t].is_constant or graph.tensors[t].is_variable for t in wanted)
    return tuple(t for t, kept in zip(wanted, stored, strict=True) if not kept)


def rest(graph: Graph, first: int) -> bytes:
    """Op `first` and all after it; inputs and outputs are `live_tensors` and the graph's outputs.

    Args:
        graph: a graph whose ops keep no state.
        first: index of an op that makes an output of the graph, or is before one that does.
    """
    whole = graph.model
    model = schema.ModelT()
    model.version, model.operatorCodes = whole.version, list(whole.operatorCodes)
    # Bodies of loops and branches are found by their number, and so are their buffers.
    bodies = list(whole.subgraphs[1:])
    model.buffers = list(whole.buffers) if bodies else [schema.BufferT()]
    sub = schema.SubGraphT()
    model.subgraphs = [sub, *bodies]
    sub.tensors = []
    places = _Places(whole, model, keep_buffers=bool(bodies))
    sub.operators = []
    for op in graph.ops[first:]:
        raw = copy.copy(whole.subgraphs[0].operators[op.index])
        raw.inputs = [places[t] if t >= 0 else -1 for t in op.inputs]
        raw.outputs = [places[t] for t in op.outputs]
        sub.operators.append(raw)
    sub.inputs = [places[t] for t in live_tensors(graph, first)]
    sub.outputs = [places[t] for t in graph.outputs]
    return pack(model)


class _Places:
    """Where tensors of the whole lie in the new file; each is copied when it is first asked for."""

    def __init__(self, whole: Any, model: Any, *, keep_buffers: bool):
        self._whole, self._model, self._keep = whole, model, keep_buffers
        self._places: dict[int, int] = {}

    def __getitem__(self, index: int) -> int:
        if index not in self._places:
            raw = copy.copy(self._whole.subgraphs[0].tensors[index])
            if not self._keep:
                self._model.buffers.append(self._whole.buffers[raw.buffer])
                raw.buffer = len(self._model.buffers) - 1
            self._places[index] = len(self._model.subgraphs[0].tensors)
            self._model.subgraphs[0].tensors.append(raw)
        return self._places[index]
