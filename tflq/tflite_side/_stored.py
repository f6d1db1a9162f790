"""Computes what a file computes from its compressed constants alone, and stores that instead.

Files of float16 weights convert them as they run, and files of sparse weights unpack them; between
the constant and the layer that reads it, other ops may move its values. For a quantizer all of
these are weights.
"""

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._quiet import quiet
from tflq.tflite_side._file import conversion, drop_unused_tensors, pack
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._kernel_rules import SAME_SCALE

_FOLDED = SAME_SCALE | {"CAST", "DENSIFY", "DEQUANTIZE"}
_HALF = ("float16", "bfloat16")


def store_results(model: Any) -> bool:
    """Replaces such ops by constants, in place; False if there are none.

    Tensors that only they named go, so that others have new places.
    """
    stored = [_store_in(model, number) for number in range(len(model.subgraphs))]
    return any(stored)


def store(model: Any, subgraph: Any, tensor: int, value: np.ndarray) -> None:
    """Makes a tensor of a subgraph a constant."""
    data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
    model.buffers.append(schema.BufferT(data=data))
    raw = subgraph.tensors[tensor]
    raw.buffer = len(model.buffers) - 1
    # The converter leaves the shape of some weights open.
    raw.shape, raw.shapeSignature = list(value.shape), None


def _store_in(model: Any, number: int) -> bool:
    subgraph = model.subgraphs[number]
    _unpack_for_readers(model, number)
    graph = Graph(model, number)
    folded = _folded(graph, subgraph)
    if not folded:
        return False
    indices = {op.index for op in folded}
    wanted = [t for op in folded for t in op.outputs if _is_needed(graph, t, indices)]
    values = _computed(model, subgraph, folded, wanted)
    for tensor, value in zip(wanted, values, strict=True):
        store(model, subgraph, tensor, value)
    subgraph.operators = [raw for i, raw in enumerate(subgraph.operators) if i not in indices]
    drop_unused_tensors(model, number)
    return True


def _unpack_for_readers(model: Any, number: int) -> None:
    """Lays a DENSIFY in front of ops that read sparse constants themselves."""
    graph, subgraph = Graph(model, number), model.subgraphs[number]
    unpacked = []
    for index, raw in enumerate(list(subgraph.tensors)):
        readers = [op for op in graph.consumers.get(index, ()) if op.kind != "DENSIFY"]
        if raw.sparsity is None or not readers:
            continue
        dense = copy.copy(raw)
        dense.sparsity, dense.buffer = None, 0
        subgraph.tensors.append(dense)
        for op in readers:
            reader = subgraph.operators[op.index]
            reader.inputs = [len(subgraph.tensors) - 1 if t == index else t for t in reader.inputs]
        unpacked.append(conversion(model, "DENSIFY", index, len(subgraph.tensors) - 1))
    subgraph.operators = [*unpacked, *(subgraph.operators or [])]


def _folded(graph: Graph, subgraph: Any) -> list[Op]:
    """The ops that read constants only, of which one is compressed or comes from such a one."""
    known = {tensor.index for tensor in graph.tensors if tensor.is_constant}
    grown = {
        index
        for index in known
        if graph.tensors[index].dtype in _HALF or subgraph.tensors[index].sparsity is not None
    }
    folded = []
    for op in graph.ops:
        read = {index for index in op.inputs if index >= 0}
        if op.kind in _FOLDED and read <= known and read & grown:
            folded.append(op)
            known.update(op.outputs)
            grown.update(op.outputs)
    return folded


def _is_needed(graph: Graph, tensor: int, folded: set[int]) -> bool:
    readers = graph.consumers.get(tensor, ())
    return tensor in graph.outputs or any(op.index not in folded for op in readers)


def _computed(whole: Any, subgraph: Any, folded: list[Op], wanted: list[int]) -> list[np.ndarray]:
    """What the runtime makes of the constants; XNNPACK takes no graph without inputs."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    model, sub = copy.copy(whole), copy.copy(subgraph)
    sub.operators = [subgraph.operators[op.index] for op in folded]
    sub.inputs, sub.outputs = [], wanted
    model.subgraphs, model.signatureDefs = [sub], None
    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    with quiet():
        interpreter = Interpreter(model_content=pack(model), experimental_op_resolver_type=kernels)
        interpreter.allocate_tensors()
        interpreter.invoke()
    return [interpreter.get_tensor(tensor) for tensor in wanted]
