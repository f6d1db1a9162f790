"""Which ops XNNPACK takes, asked of the runtime itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tflq.tflite_side._runner import Runner


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """How the runtime splits a graph.

    Attributes:
        parts: number of delegated parts; 1 is best, each more costs a crossing.
        delegated: number of ops inside them.
        left: kinds of the ops that run on LiteRT's own kernels, one entry an op.
    """

    parts: int
    delegated: int
    left: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether XNNPACK takes every op, in one part."""
        return self.parts == 1 and not self.left


def xnnpack_delegation(content: bytes) -> Delegation:
    """Loads the file as a phone's CPU would and reads the runtime's plan."""
    ops, parts = _plan(content)
    taken = _inside(ops, parts)
    return Delegation(
        parts=len(parts),
        delegated=len(taken),
        left=tuple(entry["op_name"] for i, entry in enumerate(ops) if i not in taken),
    )


def delegated_ops(content: bytes) -> frozenset[int]:
    """Indices of the ops that XNNPACK takes."""
    return frozenset(_inside(*_plan(content)))


def _plan(content: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The ops of the file, and the delegated parts."""
    plan = Runner(content).op_details()
    parts = [entry for entry in plan if entry["op_name"] == "DELEGATE"]
    return [entry for entry in plan if entry["op_name"] != "DELEGATE"], parts


def _inside(ops: Sequence[Mapping[str, Any]], parts: Sequence[Mapping[str, Any]]) -> set[int]:
    """Ops on the way back from a part's outputs to its inputs."""
    # An output that nobody reads, and an input that is not given, both are -1.
    producer = {int(t): i for i, entry in enumerate(ops) for t in entry["outputs"] if t >= 0}
    taken: set[int] = set()
    for part in parts:
        border = {int(t) for t in part["inputs"]}
        open_tensors = [int(t) for t in part["outputs"]]
        while open_tensors:
            tensor = open_tensors.pop()
            op = producer.get(tensor)
            if tensor not in border and op is not None and op not in taken:
                taken.add(op)
                open_tensors += [int(t) for t in ops[op]["inputs"]]
    return taken
