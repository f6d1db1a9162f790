"""What stays in float under an integer scheme though nobody asked for it, and why."""

from collections.abc import Mapping

from tflq._float_model import FloatModel
from tflq._recipe import Recipe
from tflq.ranges import Histogram
from tflq.tflite_side import (
    Assignment,
    Graph,
    RangePlan,
    activation_bits,
    float_only,
    keep_steep,
    narrow_joins,
    ranked_scores,
    resolve_io,
)


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
        joins = _joins(source, graph, recipe, assignment, plan, histograms, chosen)
        assignment = {**assignment, **dict.fromkeys(joins)}
        reasons |= steep | joins
    return assignment, {op: why for op, why in reasons.items() if assignment[op] is None}


def _joins(
    source: FloatModel,
    graph: Graph,
    recipe: Recipe,
    assignment: Assignment,
    plan: RangePlan,
    histograms: Mapping[int, Histogram],
    chosen: Mapping[int, str],
) -> dict[int, str]:
    """Concatenations of unlike ranges at the end of the graph, where that hands out floats."""
    names = [spec.name for spec in source.inputs]
    doors = resolve_io(recipe.io, recipe.scheme, inputs=names, outputs=source.outputs)
    found: dict[int, str] = {}
    for join in narrow_joins(graph, plan.ranges, histograms, activation_bits(graph, assignment)):
        handed_out = {doors.outputs[place] for place in join.outputs}
        if handed_out == {"float32"} and not any(t in chosen for t in join.op.outputs):
            fewest = min(join.codes.values())
            why = f"one scale for all that it joins leaves {fewest:.1f} codes to some of it"
            found |= dict.fromkeys(join.steps, why)
    return found
