"""What integer kernels force on ranges: shared scales and fixed output ranges.

The LiteRT 8-bit quantization specification demands these of every runtime; a range asked for
one tensor of such a group is a range for all of it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._int16_kernels import INT16_UNIT_OUTPUT, UNIT_BOUND

# TensorFlow's quantizer adds 1e-6 to both ends of a range that is narrower than that.
NARROWEST = 1e-6

# Ops whose kernels only move or pick codes: every float input and output has one scale.
SAME_SCALE = frozenset(
    {
        "AVERAGE_POOL_2D",
        "BATCH_TO_SPACE_ND",
        "BROADCAST_TO",
        "CONCATENATION",
        "DEPTH_TO_SPACE",
        "DYNAMIC_UPDATE_SLICE",
        "EXPAND_DIMS",
        "GATHER",
        "GATHER_ND",
        "MAXIMUM",
        "MAX_POOL_2D",
        "MINIMUM",
        "MIRROR_PAD",
        "PACK",
        "PAD",
        "PADV2",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "REVERSE_V2",
        "SELECT",
        "SELECT_V2",
        "SLICE",
        "SPACE_TO_BATCH_ND",
        "SPACE_TO_DEPTH",
        "SPLIT",
        "SPLIT_V",
        "SQUEEZE",
        "STRIDED_SLICE",
        "TILE",
        "TRANSPOSE",
        "UNPACK",
    }
)


@dataclass(frozen=True, kw_only=True)
class FixedRange:
    """An output whose scale and int8 zero point the kernel prescribes."""

    scale: float
    zero_point: int

    @property
    def range(self) -> tuple[float, float]:
        """The values of the lowest and the highest int8 code."""
        return self.scale * (-128 - self.zero_point), self.scale * (127 - self.zero_point)


FIXED_OUTPUT = {
    "LOGISTIC": FixedRange(scale=1 / 256, zero_point=-128),
    "SOFTMAX": FixedRange(scale=1 / 256, zero_point=-128),
    "LOG_SOFTMAX": FixedRange(scale=16 / 256, zero_point=127),
    "TANH": FixedRange(scale=1 / 128, zero_point=0),
    "L2_NORMALIZATION": FixedRange(scale=1 / 128, zero_point=0),
}


def fixed_range(graph: Graph, tensor: int) -> FixedRange | None:
    """The range that the kernel making `tensor` prescribes, if any."""
    op = graph.producer.get(tensor)
    return None if op is None else FIXED_OUTPUT.get(op.kind)


def prescribed_range(
    graph: Graph, group: Sequence[int], *, bits: int
) -> tuple[float, float] | None:
    """The one range that a same-scale group must have, if all that flows into it is fixed.

    A pooled softmax has softmax's range; a concatenation of a tanh and a convolution does not
    have tanh's, the kernels convert between the two.

    Args:
        graph: the float graph.
        group: tensors that share a scale.
        bits: bits of their codes, 8 or 16.
    """
    sources = [t for t in group if _kind(graph, t) not in SAME_SCALE]
    if bits == 16:
        kinds = {_kind(graph, t) for t in sources}
        return (-UNIT_BOUND, UNIT_BOUND) if kinds and kinds <= INT16_UNIT_OUTPUT else None
    rules = {fixed_range(graph, t) for t in sources}
    rule = rules.pop() if len(rules) == 1 else None
    return None if rule is None else rule.range


def _kind(graph: Graph, tensor: int) -> str | None:
    op = graph.producer.get(tensor)
    return None if op is None else op.kind


def is_uncoded(graph: Graph, group: Sequence[int]) -> bool:
    """Whether a group holds outputs of the graph that are ids, counts or coordinates.

    What a custom op, such as one that selects boxes, or a cast of integers hands out would be
    rounded to what calibration happened to see.
    """
    if not set(graph.outputs).intersection(group):
        return False
    makers = [graph.producer[tensor] for tensor in group if tensor in graph.producer]
    return any(op.is_custom or _casts_integers(graph, op) for op in makers)


def _casts_integers(graph: Graph, op: Op) -> bool:
    return op.kind == "CAST" and "int" in graph.tensors[op.inputs[0]].dtype


def activations(graph: Graph) -> tuple[int, ...]:
    """Indices of the float32 tensors that are computed or fed, not stored."""
    used = dict.fromkeys((*graph.inputs, *(t for op in graph.ops for t in op.outputs)))
    return tuple(
        index
        for index in used
        if graph.tensors[index].dtype == "float32" and not graph.tensors[index].is_constant
    )


def same_scale_groups(graph: Graph, *, apart: Collection[int] = ()) -> tuple[tuple[int, ...], ...]:
    """The activations, in groups that must share one scale; most groups have one member.

    Args:
        graph: the graph.
        apart: indices of ops that compute in float, and share none.
    """
    parent = {tensor: tensor for tensor in activations(graph)}

    def root(tensor: int) -> int:
        while parent[tensor] != tensor:
            tensor = parent[tensor]
        return tensor

    for op in graph.ops:
        if op.kind in SAME_SCALE and op.index not in apart:
            members = [t for t in _tied(op) if t in parent]
            for member in members[1:]:
                parent[root(member)] = root(members[0])
    groups: dict[int, list[int]] = {}
    for tensor in parent:
        groups.setdefault(root(tensor), []).append(tensor)
    return tuple(tuple(group) for group in groups.values())


def _tied(op: Op) -> Iterable[int]:
    return (*op.inputs, *op.outputs)
