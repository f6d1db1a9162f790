"""Which scheme every op has: as asked, as trained, and float where integers would ruin it."""

from collections.abc import Iterable, Mapping, Sequence

from tflq._float_model import FloatModel
from tflq._recipe import Recipe, doors_of
from tflq.ranges import Histogram
from tflq.scheme import Scheme
from tflq.tflite_side import (
    FLOAT32,
    Assignment,
    Graph,
    Names,
    NarrowJoin,
    RangePlan,
    activation_bits,
    activations,
    assign,
    float_only,
    keep_steep,
    narrow_joins,
    ranked_scores,
    trained_assignment,
)


def assign_schemes(
    source: FloatModel,
    graph: Graph,
    scheme: Scheme,
    names: Names,
    chosen: Mapping[int, str],
    known: Mapping[int, tuple[float, float]] | None,
) -> Assignment:
    """Gives every op the scheme that was asked, or that it was trained for.

    Args:
        source: the converted model.
        graph: its normalized float graph.
        scheme: of all ops but the chosen ones.
        names: the user's names of the activations.
        chosen: schemes that were asked for single ops, by tensor index.
        known: trained ranges; None where data will give the others.
    """
    training = source.training
    if training is None:
        return assign(graph, scheme, chosen)
    left = [
        index
        for index in activations(graph)
        if training.float_layers.intersection(names.aliases(index))
    ]
    assigned = assign(graph, scheme, {**chosen, **dict.fromkeys(left, FLOAT32)})
    return trained_assignment(graph, assigned, training.weights, known)


def keep_float(
    source: FloatModel,
    graph: Graph,
    recipe: Recipe,
    assignment: Assignment,
    plan: RangePlan,
    histograms: Mapping[int, Histogram],
    chosen: Mapping[int, str],
) -> tuple[Assignment, dict[int, str]]:
    """Takes ops out of quantization that integers would ruin.

    Args:
        source: the converted model.
        graph: its normalized float graph.
        recipe: what is to be done.
        assignment: the scheme of each op.
        plan: ranges of the activations.
        histograms: what they were chosen from.
        chosen: schemes that were asked for single ops, by tensor index; those stay as asked.

    Returns:
        The new assignment, and by index of the ops that are in float, why.
    """
    reasons = float_only(graph) | ranked_scores(graph)
    if source.training is None:
        assignment, steep = keep_steep(graph, assignment, plan.ranges, histograms, chosen)
        bits = activation_bits(graph, assignment)
        narrow = narrow_joins(graph, plan.ranges, histograms, bits)
        joins = _joined_in_float(narrow, doors_of(recipe, source).outputs, chosen)
        assignment = {**assignment, **dict.fromkeys(joins)}
        reasons |= steep | joins
    return assignment, {op: why for op, why in reasons.items() if assignment[op] is None}


def _joined_in_float(
    joins: Iterable[NarrowJoin], handed_out: Sequence[str], chosen: Mapping[int, str]
) -> dict[int, str]:
    """Those at the end of the graph, where it hands out floats and nobody asked otherwise."""
    found: dict[int, str] = {}
    for join in joins:
        floats = {handed_out[place] for place in join.outputs} == {"float32"}
        if floats and not any(tensor in chosen for tensor in join.op.outputs):
            fewest = min(join.codes.values())
            why = f"one scale for all that it joins leaves {fewest:.1f} codes to some of it"
            found |= dict.fromkeys(join.steps, why)
    return found
