"""Which scheme each op is quantized to."""

from collections.abc import Mapping
from dataclasses import replace

from tflq._errors import UserError
from tflq.scheme import Scheme, Writer, get_scheme, schemes
from tflq.tflite_side._float_only import float_only, ranked_scores
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._int16_kernels import INT16_VERSIONS
from tflq.tflite_side._kernel_rules import activations
from tflq.tflite_side._weights import INT4_VERSIONS, SLOTS, weighted_ops, weights_of

# The name that leaves a layer out of quantization.
FLOAT32 = "float32"

# By op index; None leaves the op in float32.
Assignment = Mapping[int, Scheme | None]


def check_scheme_for(base: Scheme, scheme_for: Mapping[str, str]) -> None:
    """Refuses schemes of single layers that do not go with the scheme of all others.

    Raises:
        UserError: a name is unknown, or one file cannot hold both schemes.
    """
    mixable = [name for name in schemes() if get_scheme(name).writer is Writer.INTEGER]
    allowed = ", ".join((*mixable, FLOAT32))
    for pattern, name in scheme_for.items():
        if base.writer is not Writer.INTEGER:
            raise UserError(
                f"scheme_for={{{pattern!r}: {name!r}}} does not go with scheme={base.name!r}, "
                f"which has none but one for all layers; choose scheme= from: "
                f"{', '.join(mixable)}."
            )
        if name not in (*mixable, FLOAT32):
            raise UserError(
                f"scheme_for: {name!r} for {pattern!r} is not a scheme that single layers can "
                f"have; choose one of: {allowed}."
            )


def assign(graph: Graph, base: Scheme, overrides: Mapping[int, str]) -> dict[int, Scheme | None]:
    """Gives every op its scheme.

    The first and the last weighted ops take `base.edge_weight_bits`, unless they are overridden:
    those with no other weighted op between them and an input, or an output, of the graph. Ops
    that no integer kernel computes stay in float, whatever is asked, and so does what makes the
    scores that a selection of boxes ranks, unless it is asked for.

    Args:
        graph: the float graph.
        base: the scheme of all ops that are not overridden.
        overrides: by index of an op's output tensor, a scheme's name or `FLOAT32`.

    Returns:
        `{op index: scheme, or None for float32}`.

    Raises:
        UserError: a scheme is unknown.
    """
    at_edge = base
    edges: frozenset[int] = frozenset()
    if base.edge_weight_bits is not None:
        at_edge, edges = replace(base, weight_bits=base.edge_weight_bits), _edges(graph)
    assignment: dict[int, Scheme | None] = {}
    left = float_only(graph) if base.writer is Writer.INTEGER else {}
    ranked = ranked_scores(graph) if base.activation_bits == 8 else {}
    for op in graph.ops:
        named = [overrides[tensor] for tensor in op.outputs if tensor in overrides]
        if op.index in left or (op.index in ranked and not named):
            assignment[op.index] = None
        elif named:
            assignment[op.index] = None if named[-1] == FLOAT32 else get_scheme(named[-1])
        else:
            assignment[op.index] = at_edge if op.index in edges else base
    return assignment


def float_ops(assignment: Assignment) -> frozenset[int]:
    """Indices of the ops that compute in float."""
    return frozenset(index for index, scheme in assignment.items() if scheme is None)


def activation_bits(graph: Graph, assignment: Assignment) -> dict[int, int | None]:
    """Bits of every activation, by tensor index: 8, 16, or None for float32.

    An activation has the bits of the op that makes it, an input of the graph the fewest of the
    ops that read it. An op without an int16 kernel computes in 8 bits instead.
    """
    bits: dict[int, int | None] = {}
    for tensor in activations(graph):
        producer = graph.producer.get(tensor)
        if producer is not None:
            bits[tensor] = _activation_bits(graph, producer, assignment)
            continue
        readers = graph.consumers.get(tensor, ())
        read = [_activation_bits(graph, op, assignment) for op in readers]
        bits[tensor] = min((n for n in read if n is not None), default=None)
    return bits


def weight_bits(graph: Graph, assignment: Assignment) -> dict[int, int]:
    """Bits of every stored weight, by tensor index; weights of float32 ops are left out.

    Weights that several ops read have the most bits that any of them asks for. An op without an
    int4 kernel keeps 8 bits.
    """
    bits: dict[int, int] = {}
    for op in weighted_ops(graph):
        scheme = assignment[op.index]
        if scheme is None:
            continue
        asked = scheme.weight_bits
        if asked == 4 and (op.kind not in INT4_VERSIONS or scheme.activation_bits != 8):
            asked = 8
        index = weights_of(graph, op)
        bits[index] = max(asked, bits.get(index, 0))
    return bits


def per_channel(graph: Graph, assignment: Assignment) -> dict[int, bool]:
    """Whether every stored weight has a scale a channel, by tensor index."""
    granularity: dict[int, bool] = {}
    for op in weighted_ops(graph):
        scheme = assignment[op.index]
        if scheme is not None:
            index = weights_of(graph, op)
            granularity[index] = scheme.per_channel and granularity.get(index, True)
    return granularity


def _activation_bits(graph: Graph, op: Op, assignment: Assignment) -> int | None:
    scheme = assignment[op.index]
    if scheme is None or scheme.activation_bits is None:
        return None
    return scheme.activation_bits if has_int16_kernel(graph, op) else min(8, scheme.activation_bits)


def has_int16_kernel(graph: Graph, op: Op) -> bool:
    """Whether LiteRT computes the op with int16 activations: its weights must be stored."""
    if op.kind in SLOTS and not graph.tensors[weights_of(graph, op)].is_constant:
        return False
    return op.kind in INT16_VERSIONS


def _edges(graph: Graph) -> frozenset[int]:
    """The weighted ops that are first or last on some way through the graph."""
    weighted = {op.index for op in weighted_ops(graph)}
    before: set[int] = set()
    edges: set[int] = set()
    for op in graph.ops:
        makers = {graph.producer[t].index for t in op.inputs if t in graph.producer}
        behind = any(maker in weighted or maker in before for maker in makers)
        if behind:
            before.add(op.index)
        elif op.index in weighted:
            edges.add(op.index)
    after: set[int] = set()
    for op in reversed(graph.ops):
        readers = {reader.index for t in op.outputs for reader in graph.consumers.get(t, ())}
        if any(reader in weighted or reader in after for reader in readers):
            after.add(op.index)
        elif op.index in weighted:
            edges.add(op.index)
    return frozenset(edges)
