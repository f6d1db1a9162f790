"""Names the inputs and outputs of a file as the user does."""

from collections.abc import Sequence
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._graph import Graph


def set_signature(graph: Graph, key: str, *, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Names the doors in place: by a signature, and as tensors where no other is so.

    Args:
        graph: the graph, whose inputs and outputs are final.
        key: the signature's name.
        inputs: names in the order of the graph's inputs.
        outputs: names in the order of the graph's outputs.
    """
    subgraph = graph.model.subgraphs[0]
    signature = schema.SignatureDefT()
    signature.signatureKey = key.encode()
    signature.subgraphIndex = 0
    signature.inputs = _maps(inputs, subgraph.inputs)
    signature.outputs = _maps(outputs, subgraph.outputs)
    graph.model.signatureDefs = [signature]
    taken = {tensor.name for tensor in subgraph.tensors}
    for entry in (*signature.outputs, *signature.inputs):
        if entry.name not in taken:
            subgraph.tensors[entry.tensorIndex].name = entry.name
            taken.add(entry.name)


def signature_names(graph: Graph) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of inputs and outputs: the signature's, else the tensors' own."""
    names = {index: graph.tensors[index].name for index in (*graph.inputs, *graph.outputs)}
    inputs, outputs = dict(names), dict(names)
    for signature in graph.model.signatureDefs or []:
        if signature.subgraphIndex == 0:
            inputs |= _read(signature.inputs)
            outputs |= _read(signature.outputs)
            break
    return tuple(inputs[i] for i in graph.inputs), tuple(outputs[i] for i in graph.outputs)


def _maps(names: Sequence[str], tensors: Sequence[int]) -> list[Any]:
    maps = []
    for name, index in zip(names, tensors, strict=True):
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), int(index)
        maps.append(entry)
    return maps


def _read(maps: Any) -> dict[int, str]:
    return {int(m.tensorIndex): m.name.decode("utf-8", "replace") for m in maps or []}
