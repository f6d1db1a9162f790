"""What the ops of a TensorFlow graph do besides computing, and who makes them run.

Every SavedModel holds functions that save and restore it, and may fill tables from its own files:
such ops are harmless where only TensorFlow calls them, for that purpose.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tflq.keras_side._damaged import shown
from tflq.keras_side._pure_ops import SAFE_OPS

_SAVING = frozenset({"SaveV2", "MergeV2Checkpoints", "Save", "SaveSlices"})
_RESTORING = frozenset({"RestoreV2", "Restore", "RestoreSlice"})
#: Ops that fill a table from a file.
TABLES = frozenset({"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"})
# Names of shards are text and no more.
_ALLOWED = SAFE_OPS | _SAVING | _RESTORING | TABLES | {"ShardedFilename", "ShardedFilespec"}
_PRINTING = frozenset({"Print", "PrintV2"})
_STREAMS = frozenset({b"stderr", b"stdout", b"log(info)", b"log(warning)", b"log(error)"})

#: What a function that fills a table from a file may hold.
_AROUND_TABLES = frozenset(
    {"Const", "NoOp", "Identity", "PartitionedCall", "StatefulPartitionedCall"} | TABLES
)


class UnsafeGraphError(Exception):
    """A graph does more than compute; the text is the end of a sentence about the file."""


@dataclass(frozen=True)
class Effects:
    """The functions of a graph.

    Attributes:
        graph: a GraphDef.
    """

    graph: Any

    def check_ops(self) -> None:
        """Looks at every op of the graph and of all its functions.

        Raises:
            UnsafeGraphError: one is not among those that a file may hold.
        """
        for place, nodes in self._places():
            for node in nodes:
                self._check_op(node, place)

    @cached_property
    def saving(self) -> frozenset[str]:
        """Functions that write or read checkpoints, by themselves or by what they call."""
        return self._reaching(_SAVING | _RESTORING)

    @cached_property
    def filling(self) -> frozenset[str]:
        """Functions that fill tables from files, likewise."""
        return self._reaching(TABLES)

    def check_fillers(self) -> None:
        """Functions that fill tables do nothing else, and get the files' names from outside.

        Raises:
            UnsafeGraphError: one does more, or names a file itself.
        """
        for function in self.graph.library.function:
            if function.signature.name not in self.filling:
                continue
            for node in function.node_def:
                # What is called could give the name as well.
                more = node.op not in _AROUND_TABLES or not self._called(node) <= self.filling
                if more or _is_text(node):
                    raise UnsafeGraphError(
                        f"fills a table from a file that its graph names ({shown(node.name)} in "
                        f"function {shown(function.signature.name)})"
                    )

    def nodes(self, ops: Set[str], functions: Set[str] = frozenset()) -> set[str]:
        """The names of nodes of the graph itself that are such ops, or call such functions."""
        return {
            node.name
            for node in self.graph.node
            if node.op in ops or not functions.isdisjoint(self._called(node))
        }

    def savers(self) -> set[str]:
        """The graph's nodes that write checkpoints."""
        return self.nodes(_SAVING, self._reaching(_SAVING))

    def restorers(self) -> set[str]:
        """The graph's nodes that read checkpoints."""
        return self.nodes(_RESTORING, self._reaching(_RESTORING))

    def fillers(self) -> set[str]:
        """The graph's nodes that fill tables from files."""
        return self.nodes(TABLES, self.filling)

    def behind(self, names: Iterable[str]) -> set[str]:
        """Nodes of the graph that run where some of it are asked for."""
        inputs = {node.name: [node_name(name) for name in node.input] for node in self.graph.node}
        found: set[str] = set()
        waiting = [node_name(name) for name in names]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(inputs.get(name, ()))
        return found

    @cached_property
    def _bodies(self) -> dict[str, list[Any]]:
        bodies: dict[str, list[Any]] = {}
        for function in self.graph.library.function:
            bodies.setdefault(function.signature.name, []).extend(function.node_def)
        return bodies

    def _places(self) -> Iterator[tuple[str, Iterable[Any]]]:
        yield "its graph", self.graph.node
        for name, nodes in self._bodies.items():
            yield f"function {shown(name)}", nodes

    def _called(self, node: Any) -> set[str]:
        return {name for name in (*_named_functions(node.attr), node.op) if name in self._bodies}

    def _reaching(self, ops: Set[str]) -> frozenset[str]:
        found = {
            name for name, nodes in self._bodies.items() if any(node.op in ops for node in nodes)
        }
        callers: dict[str, set[str]] = {}
        for name, nodes in self._bodies.items():
            for node in nodes:
                for called in self._called(node):
                    callers.setdefault(called, set()).add(name)
        waiting = list(found)
        while waiting:
            new = callers.get(waiting.pop(), set()) - found
            found |= new
            waiting.extend(new)
        return frozenset(found)

    def _check_op(self, node: Any, place: str) -> None:
        if node.op in _ALLOWED:
            return
        if node.op in _PRINTING and node.attr["output_stream"].s in _STREAMS | {b""}:
            return
        if node.op in self._bodies and not _is_op(node.op):
            return
        raise UnsafeGraphError(
            f"holds op {shown(node.op)} ({shown(node.name)} in {place}), which is not among "
            "the ops that a file may run: it may touch files, processes or Python"
        )


def node_name(tensor: str) -> str:
    """The node of a tensor, which may be a control input."""
    return tensor.removeprefix("^").partition(":")[0]


def _is_op(name: str) -> bool:
    import tensorflow as tf

    return hasattr(tf.raw_ops, name)


def _is_text(node: Any) -> bool:
    import tensorflow as tf

    return node.op == "Const" and node.attr["dtype"].type == tf.string.as_datatype_enum


def _named_functions(attributes: Any) -> Iterator[str]:
    for value in attributes.values():
        for function in (value.func, *value.list.func):
            if function.name:
                yield function.name
                yield from _named_functions(function.attr)
