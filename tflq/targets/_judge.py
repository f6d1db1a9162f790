"""Asks every op of a graph whether a target takes it."""

from collections.abc import Callable

from tflq.targets._report import Refusal, TakenOp
from tflq.targets._rules import Problem, Rule, Site
from tflq.tflite_side import Graph

Verdicts = tuple[tuple[TakenOp, ...], tuple[Refusal, ...]]


def verdicts(
    graph: Graph, check: Rule, *, since: Callable[[Site], str | None] = lambda site: None
) -> Verdicts:
    """Taken and refused ops.

    Args:
        graph: the file.
        check: the target's rules.
        since: the first version of the target that takes the op.
    """
    taken: list[TakenOp] = []
    refused: list[Refusal] = []
    for op in graph.ops:
        site = Site(graph, op)
        problem = check(site)
        name = site.output.name.split(";")[0] if op.outputs else ""
        if problem is None:
            taken.append(TakenOp(op=op.index, kind=op.kind, tensor=name, since=since(site)))
        else:
            refused.append(_refusal(site, name, problem, since(site)))
    return tuple(taken), tuple(refused)


def _refusal(site: Site, name: str, problem: Problem, since: str | None) -> Refusal:
    return Refusal(
        op=site.op.index,
        kind=site.kind,
        tensor=name,
        reason=problem.reason,
        advice=problem.advice,
        since=since,
    )
