"""Tells graphs apart by what they compute."""

import hashlib

import numpy as np

from tflq.tflite_side._graph import Graph, Op


def graph_digest(graph: Graph) -> str:
    """A digest of the ops, their order and options, and all constants.

    Names of tensors are left out: Keras numbers the models that a program makes.
    """
    digest = hashlib.sha256()
    for tensor in graph.tensors:
        digest.update(repr((tensor.shape, tensor.dtype)).encode())
        if tensor.is_constant:
            digest.update(np.ascontiguousarray(graph.constant(tensor.index)).tobytes())
    for op in graph.ops:
        digest.update(repr((op.kind, op.inputs, op.outputs, _options(op))).encode())
    digest.update(repr((graph.inputs, graph.outputs)).encode())
    return digest.hexdigest()


def structure_digest(graph: Graph) -> str:
    """A digest of what the time of an inference depends on: ops, shapes and dtypes.

    Biases and other vectors are left out: they cost next to nothing, and may be missing.
    """
    digest = hashlib.sha256()
    for op in graph.ops:
        read = [_form(graph, t) for t in op.inputs if t >= 0 and not _is_vector(graph, t)]
        made = [_form(graph, tensor) for tensor in op.outputs]
        digest.update(repr((op.kind, _options(op), read, made)).encode())
    return digest.hexdigest()


def _is_vector(graph: Graph, index: int) -> bool:
    tensor = graph.tensors[index]
    return tensor.is_constant and len(tensor.shape) < 2


def _form(graph: Graph, index: int) -> tuple[tuple[int | None, ...], str, bool]:
    tensor = graph.tensors[index]
    return tensor.shape, tensor.dtype, tensor.is_constant


def _options(op: Op) -> list[tuple[str, str]]:
    found = {} if op.options is None else vars(op.options)
    return sorted((name, repr(value)) for name, value in found.items())
