"""Takes one signature of a file: the subgraph that it names, and those that this one runs."""

from typing import Any

from tflq._signatures import choose_signature
from tflq.tflite_side._file import pack, parse
from tflq.tflite_side._inner_graphs import inner_graphs, renumber


def take_signature(content: bytes, wanted: str | None, *, name: str) -> tuple[bytes, str | None]:
    """Leaves one signature and what it computes in a file.

    Args:
        content: the flatbuffer.
        wanted: the signature; None takes the only one, or, without any, the first subgraph.
        name: how messages call the file.

    Returns:
        The flatbuffer, whose first subgraph is the signature's, and the signature's name, None
        where the file names none.

    Raises:
        UserError: the file is damaged, there is no such signature, or which one is not said.
    """
    model = parse(content, name=name)
    keys = {_key(s): (s.subgraphIndex, _doors(s)) for s in model.signatureDefs or []}
    key = choose_signature(keys, wanted, name=name)
    signatures = [s for s in model.signatureDefs or [] if _key(s) == key]
    number = signatures[0].subgraphIndex if signatures else 0
    kept = _reached(model, number)
    if kept == list(range(len(model.subgraphs))) and len(keys) <= 1:
        return content, key
    _keep(model, kept)
    for signature in signatures:
        signature.subgraphIndex = 0
    model.signatureDefs = signatures or None
    return pack(model), key


def _key(signature: Any) -> str:
    return (signature.signatureKey or b"").decode("utf-8", "replace")


def _doors(signature: Any) -> frozenset[tuple[bytes, int]]:
    return frozenset(
        (entry.name, entry.tensorIndex)
        for entry in (*(signature.inputs or ()), *(signature.outputs or ()))
    )


def _reached(model: Any, first: int) -> list[int]:
    """A subgraph, and those that its ops run, or theirs."""
    reached = [first]
    for number in reached:
        for operator in model.subgraphs[number].operators or []:
            for inner in inner_graphs(operator):
                if inner not in reached:
                    reached.append(inner)
    return reached


def _keep(model: Any, kept: list[int]) -> None:
    places = {-1: -1} | {old: new for new, old in enumerate(kept)}
    model.subgraphs = [model.subgraphs[number] for number in kept]
    for subgraph in model.subgraphs:
        for operator in subgraph.operators or []:
            renumber(operator, places.__getitem__)
