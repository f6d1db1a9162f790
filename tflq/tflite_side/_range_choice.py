"""Chooses one range for every group of activations that share a scale."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from tflq.ranges import Histogram, get_calibrator
from tflq.tflite_side._graph import Graph
from tflq.tflite_side._kernel_rules import (
    fixed_range,
    is_uncoded,
    prescribed_range,
    same_scale_groups,
)
from tflq.tflite_side._masks import fit_masks
from tflq.tflite_side._seen import seen

Range = tuple[float, float]

# An output is judged by its largest value: clipping it would change the answer. Inputs are often
# integers in disguise, such as pixels, whose own range quantizes them without any error.
_NEVER_CLIP = "minmax"


@dataclass(frozen=True, kw_only=True)
class RangePlan:
    """What each activation's range comes from.

    Attributes:
        ranges: (min, max) by tensor index.
        origin: by tensor index, a calibrator's name, "trained", "kernel rule" or "mask".
        constants: masks, clamped to what their readers can tell, by tensor index.
    """

    ranges: dict[int, Range]
    origin: dict[int, str]
    constants: dict[int, np.ndarray] = field(default_factory=dict)


def choose_ranges(
    graph: Graph,
    histograms: Mapping[int, Histogram],
    *,
    calibrator: str,
    overrides: Mapping[int, str],
    trained: Mapping[int, Range],
    bits: Mapping[int, int | None],
    apart: Collection[int] = (),
) -> RangePlan:
    """Chooses the range of every activation.

    Outputs that are ids or counts have none. Trained ranges come first, then the kernels' fixed
    ones; everything else is calibrated, one range for a group whose members' histograms are merged.
    Groups that hold an input or output of the graph, the logits of its final sigmoid, or what only
    softmax reads keep their whole range. What no reader can tell does not count, and masks reach as
    far as they must.

    Args:
        graph: the normalized float graph.
        histograms: statistics by tensor index.
        calibrator: name of the calibrator for all that is not overridden.
        overrides: calibrator names by tensor index.
        trained: ranges that come with the model.
        bits: bits of each activation; None for those that stay in float32.
        apart: indices of ops that compute in float, whose inputs need not share a scale.
    """
    plan = RangePlan(ranges={}, origin={})
    visible = seen(graph)
    unclipped = _doors(graph) | visible.scores
    for group in same_scale_groups(graph, apart=apart):
        if is_uncoded(graph, group):
            continue
        width = min(bits[tensor] or 8 for tensor in group)
        prescribed = prescribed_range(graph, group, bits=width)
        if prescribed is not None:
            plan.ranges.update(dict.fromkeys(group, prescribed))
            plan.origin.update(dict.fromkeys(group, "kernel rule"))
            continue
        fixed = {t: r for t in group if (r := _fixed(graph, t, bits)) is not None}
        plan.ranges.update(fixed)
        plan.origin.update(dict.fromkeys(fixed, "kernel rule"))
        free = [tensor for tensor in group if tensor not in fixed]
        known = [trained[tensor] for tensor in free if tensor in trained]
        if known:
            chosen = min(low for low, _ in known), max(high for _, high in known)
            origin = "trained"
        else:
            merged = _merged([t for t in free if t not in visible.hidden] or free, histograms)
            if merged is None:
                # Nothing reads it, such as an unused result of a loop: it stays float.
                continue
            origin = _calibrator_of(free, calibrator, overrides, unclipped)
            chosen = get_calibrator(origin)(merged, bits=width)
        for tensor in free:
            plan.ranges[tensor], plan.origin[tensor] = chosen, origin
    fitted, constants = fit_masks(graph, visible, histograms, plan.ranges, bits=bits)
    return RangePlan(
        ranges=plan.ranges | fitted,
        origin=plan.origin | dict.fromkeys(fitted, "mask"),
        constants=constants,
    )


def untrained(graph: Graph, trained: Mapping[int, Range]) -> tuple[int, ...]:
    """One activation of each group that has neither a trained nor a fixed range, and needs one."""
    return tuple(
        group[0]
        for group in same_scale_groups(graph)
        if prescribed_range(graph, group, bits=8) is None
        and not is_uncoded(graph, group)
        and not any(t in trained for t in group)
        and not graph.live.isdisjoint(group)
    )


def _doors(graph: Graph) -> frozenset[int]:
    """Inputs, outputs, and what feeds a last op of fixed output range."""
    heads = {*graph.inputs, *graph.outputs}
    for output in graph.outputs:
        if fixed_range(graph, output) is not None:
            heads.update(graph.producer[output].inputs)
    return frozenset(heads)


def _calibrator_of(
    group: list[int], default: str, overrides: Mapping[int, str], unclipped: frozenset[int]
) -> str:
    chosen = [overrides[tensor] for tensor in group if tensor in overrides]
    if chosen:
        return chosen[-1]
    return _NEVER_CLIP if unclipped.intersection(group) else default


def _fixed(graph: Graph, tensor: int, bits: Mapping[int, int | None]) -> Range | None:
    return prescribed_range(graph, (tensor,), bits=bits[tensor] or 8)


def _merged(group: list[int], histograms: Mapping[int, Histogram]) -> Histogram | None:
    found = [histograms[t] for t in group if t in histograms and histograms[t].count]
    return reduce(Histogram.beside, found) if found else None
