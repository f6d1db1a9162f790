"""Tells graphs apart by what they compute."""

import hashlib

import numpy as np

from tflq.tflite_side._graph import Graph, Op


def graph_digest(graph: Graph, *, constants: bool = True) -> str:
    """A digest of the ops, their order and options, and all constants.

    Names of tensors are left out: Keras numbers the models that a program makes.

    Args:
        graph: any graph.
        constants: False leaves out their values: graphs that take the same time are equal then.
    """
    digest = hashlib.sha256()
    for tensor in graph.tensors:
        digest.update(repr((tensor.shape, tensor.dtype)).encode())
        if constants and tensor.is_constant:
            digest.update(np.ascontiguousarray(graph.constant(tensor.index)).tobytes())
    for op in graph.ops:
        digest.update(repr((op.kind, op.inputs, op.outputs, _options(op))).encode())
    digest.update(repr((graph.inputs, graph.outputs)).encode())
    return digest.hexdigest()


def _options(op: Op) -> list[tuple[str, str]]:
    found = {} if op.options is None else vars(op.options)
    return sorted((name, repr(value)) for name, value in found.items())
