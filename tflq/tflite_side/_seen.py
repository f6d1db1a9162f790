"""What the readers of an activation can tell of its values.

Softmax sees how far a value lies below the largest of its row, and nothing of what lies so far
below that its power vanishes: a mask of -1e9 is one of a few tens. Sigmoid and tanh are flat far
from 0, and a max pool never hands on what lies below all else. Ranges are chosen from what is seen,
so that a mask does not cost all values their resolution.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from tflq._softmax import MASKED, softmax_reach
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._kernel_rules import SAME_SCALE, same_scale_groups

# From a value to the smallest and the largest number that can be told in its place.
Limits = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

# Stands for minus infinity in statistics and float files.
LOWEST = -1e9

_ROW_READERS = frozenset({"SOFTMAX", "LOG_SOFTMAX"})
# LOG_SOFTMAX's kernel ends 16 below a row's largest value.
_LOG_SOFTMAX_REACH = 16.0
# Beyond these the function is closer to its limit than half a 16-bit code.
_FLAT_BEYOND = {"LOGISTIC": 12.0, "TANH": 6.0}
# What masks pass on their way to scores.
_LINEAR = ("ADD", "DIV", "MUL", "SUB")
_WITHIN = SAME_SCALE | {"ADD", "SUB"}
_LARGEST = frozenset({"MAX_POOL_2D", "MAXIMUM", "REDUCE_MAX"})
_SMALLEST = frozenset({"MINIMUM", "REDUCE_MIN"})


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What matters of the activations' values.

    Attributes:
        limits: by tensor index, what can be told; all of it where there is none.
        hidden: tensors whose values do not count for the range of their group: others of it hold
            all of them that anything tells.
        flat: groups that only softmax, sigmoid and their like read.
        scores: tensors of those that softmax reads.
        masks: tensors that are only added to, or scaled on their way to, what is flat.
    """

    limits: Mapping[int, Limits]
    hidden: frozenset[int]
    flat: tuple[tuple[int, ...], ...]
    scores: frozenset[int]
    masks: frozenset[int]

    def values(self, tensor: int, value: np.ndarray) -> np.ndarray:
        """What can be told of a value; rows that are masked as a whole are left out."""
        if tensor not in self.limits:
            return value
        low, high = np.broadcast_arrays(*self.limits[tensor](value), value)[:2]
        clipped: np.ndarray = np.clip(value, low, high)
        return clipped if (masked := low > high).sum() == 0 else clipped[~masked]

    def pair(
        self, tensor: int, wanted: np.ndarray, came: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Two values without the differences that nothing tells."""
        if tensor not in self.limits:
            return wanted, came
        low, high = self.limits[tensor](wanted)
        told = low <= high
        first, second = (np.where(told, np.clip(x, low, high), 0) for x in (wanted, came))
        return first, second


def seen(graph: Graph) -> Seen:
    """Finds what the readers of each activation of a float graph can tell."""
    limits: dict[int, Limits] = {}
    hidden: set[int] = set(_hidden_fillers(graph))
    flat: list[tuple[int, ...]] = []
    scores: set[int] = set()
    for group in same_scale_groups(graph):
        kinds = _outer_readers(graph, group)
        if kinds and kinds <= _ROW_READERS:
            read = {t: ops for t in group if (ops := _read_by(graph, t, _ROW_READERS))}
            limits |= {t: partial(_row_limits, ops=tuple(ops)) for t, ops in read.items()}
            hidden.update(set(group) - set(read))
            flat.append(group)
            scores.update(group)
        elif kinds and kinds <= set(_FLAT_BEYOND):
            furthest = max(_FLAT_BEYOND[kind] for kind in kinds)
            limits |= dict.fromkeys(group, partial(_symmetric_limits, furthest=furthest))
            flat.append(group)
    masks = frozenset(t for group in _mask_groups(graph, flat) for t in group)
    limits |= dict.fromkeys(masks, partial(_symmetric_limits, furthest=-LOWEST))
    return Seen(
        limits=limits,
        hidden=frozenset(hidden),
        flat=tuple(flat),
        scores=frozenset(scores),
        masks=masks,
    )


def _mask_groups(graph: Graph, flat: Iterable[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """Groups that only become part of sums, or scaled, before what is flat reads those."""
    known = {tensor for group in flat for tensor in group}
    groups = [group for group in same_scale_groups(graph) if not known.intersection(group)]
    found: list[tuple[int, ...]] = []
    while True:
        more = [group for group in groups if _is_mask(graph, group, known)]
        if not more:
            return tuple(found)
        found += more
        known.update(tensor for group in more for tensor in group)
        groups = [group for group in groups if group not in more]


def _is_mask(graph: Graph, group: tuple[int, ...], known: set[int]) -> bool:
    readers = _outer_ops(graph, group)
    if not readers or set(graph.outputs).intersection(group):
        return False
    return all(op.kind in _LINEAR and op.outputs[0] in known for op in readers)


def _row_limits(value: np.ndarray, *, ops: tuple[Op, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Each row down to what is too far below its largest; none of a row that is masked."""
    largest = value.max(axis=-1, keepdims=True)
    masked = largest <= MASKED
    low = largest - np.float32(max(_reach(op, value.shape[-1]) for op in ops))
    return np.where(masked, np.inf, low), np.where(masked, -np.inf, np.inf)


def _symmetric_limits(_: np.ndarray, *, furthest: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array(-furthest), np.array(furthest)


def _reach(op: Op, width: int) -> float:
    reach = _LOG_SOFTMAX_REACH if op.kind == "LOG_SOFTMAX" else softmax_reach(width)
    return reach / abs(float(getattr(op.options, "beta", 1.0) or 1.0))


def _outer_ops(graph: Graph, group: tuple[int, ...]) -> list[Op]:
    """The readers of a group but for those that move, or mask, its values within it."""
    members = set(group)
    return [
        op
        for tensor in group
        for op in graph.consumers.get(tensor, ())
        if not (op.kind in _WITHIN and members.intersection(op.outputs))
    ]


def _outer_readers(graph: Graph, group: tuple[int, ...]) -> set[str]:
    if set(graph.outputs).intersection(group):
        return set()
    return {op.kind for op in _outer_ops(graph, group)}


def _read_by(graph: Graph, tensor: int, kinds: frozenset[str]) -> list[Op]:
    return [op for op in graph.consumers.get(tensor, ()) if op.kind in kinds]


def _hidden_fillers(graph: Graph) -> set[int]:
    """What holds stored values, such as padding, of which only the largest or smallest is read."""
    filled: set[int] = set()
    for op in graph.ops:
        stored = any(t >= 0 and _is_filler(graph, t) for t in op.inputs)
        if op.kind in SAME_SCALE and (stored or filled.intersection(op.inputs)):
            filled.update(op.outputs)
    return filled & (_read_only_by(graph, _LARGEST) | _read_only_by(graph, _SMALLEST))


def _is_filler(graph: Graph, tensor: int) -> bool:
    return graph.tensors[tensor].is_constant and graph.tensors[tensor].dtype == "float32"


def _read_only_by(graph: Graph, kinds: frozenset[str]) -> set[int]:
    """Tensors that nothing reads but ops of these kinds, or ops that move them to such."""
    found: set[int] = set()
    for op in reversed(graph.ops):
        for tensor in op.outputs:
            readers = graph.consumers.get(tensor, ())
            if (
                readers
                and tensor not in graph.outputs
                and all(
                    reader.kind in kinds
                    or (reader.kind in SAME_SCALE and found.issuperset(reader.outputs))
                    for reader in readers
                )
            ):
                found.add(tensor)
    return found
