"""How much a flatbuffer unfolds to, before it is unfolded.

Tables may be named from several places: a file of a megabyte can hold a hundred thousand subgraphs
that are all the same one, with as many tensors. No program that exports models does that.
"""

from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

# Each table is named by an offset of four bytes.
_OFFSET = 4
# Texts may be shared: a few times is no bomb.
_TIMES = 16


def check_extent(content: bytes) -> None:
    """Checks that no more is named than a file of its size can hold.

    Raises:
        ValueError: it unfolds to more.
    """
    model = schema.Model.GetRootAs(content, 0)
    budget = _Budget(len(content))
    for kind in ("OperatorCodes", "Buffers", "Metadata", "SignatureDefs", "Subgraphs"):
        budget.take_tables(getattr(model, f"{kind}Length")())
    for code in _entries(model, "OperatorCodes"):
        budget.take_text(code.CustomCode())
    for signature in _entries(model, "SignatureDefs"):
        budget.take_text(signature.SignatureKey())
        for kind in ("Inputs", "Outputs"):
            budget.take_tables(getattr(signature, f"{kind}Length")())
            for entry in _entries(signature, kind):
                budget.take_text(entry.Name())
    for graph in _entries(model, "Subgraphs"):
        budget.take_tables(graph.TensorsLength() + graph.OperatorsLength())
        for tensor in _entries(graph, "Tensors"):
            budget.take_text(tensor.Name())
            if sparsity := tensor.Sparsity():
                budget.take_tables(sparsity.DimMetadataLength())


class _Budget:
    """What is left of a file."""

    def __init__(self, size: int):
        self._tables, self._texts = size, _TIMES * size

    def take_tables(self, count: int) -> None:
        self._tables -= _OFFSET * count
        if self._tables < 0:
            raise ValueError("it names more tables than it can hold")

    def take_text(self, text: bytes | None) -> None:
        self._texts -= len(text or b"")
        if self._texts < 0:
            raise ValueError("its names are longer than the file")


def _entries(holder: Any, kind: str) -> Iterator[Any]:
    get = getattr(holder, kind)
    return (get(index) for index in range(getattr(holder, f"{kind}Length")()))
