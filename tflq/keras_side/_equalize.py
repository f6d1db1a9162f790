"""Cross-layer equalization: channels of like ranges on both sides of every link.

With r1 the range of a channel in the kernel that writes it and r2 in the kernel that reads it,
s = sqrt(r1 / r2) makes both sqrt(r1 r2) (Nagel et al. 2019, equation 11; section II.D of the
paper): the writer's weights and bias are divided by s, the reader's weights multiplied. Where
several kernels write or read a channel, as around residual additions, r is their geometric mean.
Links are swept until no scale moves.

A cap such as ReLU6's does not move with s. It is dropped where no channel reaches it. Elsewhere a
channel that reaches it keeps its scale, and others grow to it at most; none shrinks, for on data
that was not seen its cap would then clip less than before. Where that leaves the weights much
coarser than full equalization would, the cap becomes one for each channel, which is exact but costs
an elementwise op.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflq.keras_side._activations import uncap
from tflq.keras_side._channel_cap import channel_cap
from tflq.keras_side._graph import KerasGraph, Layer, Moments
from tflq.keras_side._kernels import kernel_of, scale_inputs, scale_outputs
from tflq.keras_side._links import Cap, Link, Slot, find_links

_CONVERGED = 1e-2
_MOST_SWEEPS = 100
# A channel whose range is this small a share of its kernel's is dead: it has no range to balance.
_DEAD = 1e-6
# No channel moves further than this, so that near-dead ones do not blow up.
_FURTHEST = 2.0**10
# Share of the channels' signal that weights must gain to be worth caps of their own.
_WORTH = 0.01

# Range of each channel of the weights: max |w|, shape (groups, inputs, outputs) by layer.
Magnitudes = dict[Layer, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Equalization:
    """What was equalized.

    Attributes:
        links: how many links.
        free: those without a cap that any channel reaches.
        kept: those whose cap limits the scales.
        carried: those whose cap became one a channel.
        left: layers whose outputs are in no link, with the reason.
    """

    links: int
    free: int
    kept: int
    carried: int
    left: dict[str, str]

    def __str__(self) -> str:
        """In a few words."""
        parts = {"within their caps": self.kept, "with a cap a channel": self.carried}
        said = [f"{self.links} links", *(f"{n} {how}" for how, n in parts.items() if n)]
        return ", ".join(said)


def equalize(
    graph: KerasGraph, keras: Any, *, reach: Mapping[int, np.ndarray], bits: int, per_channel: bool
) -> Equalization:
    """Equalizes all links of a folded graph, in place.

    Args:
        graph: the graph.
        keras: the module `keras` or `tf_keras`.
        reach: by output tensor of a capped activation, what no value of each channel is taken to
            exceed; where it is missing, every channel counts as reaching the cap.
        bits: bits that weights will have.
        per_channel: whether each output channel will have a scale of its own, so that its range
            does not matter to the others.
    """
    found = find_links(graph)
    reached = {cap: _reached(cap, reach) for link in found.links for cap in link.caps}
    capped = [link for link in found.links if any(reached[cap].any() for cap in link.caps)]
    scales, magnitudes = _solve(found.links, capped, reached, reach)
    carried: list[Link] = []
    if not per_channel:
        _, full = _solve(found.links, [], reached, reach)
        carried = [
            link
            for link in capped
            if _coarseness(link, magnitudes, bits) - _coarseness(link, full, bits) > _WORTH
        ]
        if carried:
            kept = [link for link in capped if link not in carried]
            scales, _ = _solve(found.links, kept, reached, reach)
    for link, scale in scales.items():
        _apply(link, scale)
        for cap in link.caps:
            if link in carried:
                _carry(graph, keras, cap, scale)
            elif link not in capped:
                uncap(cap.node.layer)
    return Equalization(
        links=len(found.links),
        free=len(found.links) - len(capped),
        kept=len(capped) - len(carried),
        carried=len(carried),
        left=found.left,
    )


def _solve(
    links: Collection[Link],
    limited: Collection[Link],
    reached: Mapping[Cap, np.ndarray],
    reach: Mapping[int, np.ndarray],
) -> tuple[dict[Link, np.ndarray], Magnitudes]:
    """The scales of every link, and what the weights' ranges become."""
    magnitudes = {
        slot.layer: np.abs(kernel_of(slot.layer)).max(axis=0).astype(np.float64)
        for link in links
        for slot in (*link.writers, *link.readers)
    }
    scales = {link: np.ones(link.size) for link in links}
    floors = {link: _floor(link, reached, reach) for link in limited}
    for _ in range(_MOST_SWEEPS):
        moved = 0.0
        for link in links:
            new = np.clip(scales[link] * _step(link, magnitudes), 1 / _FURTHEST, _FURTHEST)
            if link in floors:
                floor, fixed = floors[link]
                new = np.where(fixed, 1.0, np.clip(new, floor, 1.0))
            step = new / scales[link]
            scales[link] = new
            moved = max(moved, float(np.abs(np.log(step)).max()))
            _scale_magnitudes(link, magnitudes, step)
        if moved < _CONVERGED:
            break
    return scales, magnitudes


def _step(link: Link, magnitudes: Magnitudes) -> np.ndarray:
    writing = _log_ranges(link.size, link.writers, magnitudes, axis=1)
    reading = _log_ranges(link.size, link.readers, magnitudes, axis=2)
    step = np.exp((writing - reading) / 2)
    return np.where(np.isfinite(step), step, 1.0)


def _log_ranges(
    size: int, slots: Collection[Slot], magnitudes: Magnitudes, *, axis: int
) -> np.ndarray:
    """Mean logarithm of a channel's range over the slots; NaN where it is dead in all."""
    total, count = np.zeros(size), np.zeros(size)
    for slot in slots:
        ranges = _ranges(size, slot, magnitudes, axis=axis)
        alive = ranges > _DEAD * ranges.max(initial=0)
        total += np.log(np.where(alive, ranges, 1.0))
        count += alive
    return np.divide(total, count, out=np.full(size, np.nan), where=count > 0)


def _ranges(size: int, slot: Slot, magnitudes: Magnitudes, *, axis: int) -> np.ndarray:
    largest = magnitudes[slot.layer].max(axis=axis).reshape(-1)
    own = slot.channels >= 0
    ranges = np.zeros(size)
    np.maximum.at(ranges, slot.channels[own], largest[own])
    return ranges


def _scale_magnitudes(link: Link, magnitudes: Magnitudes, step: np.ndarray) -> None:
    for slot in link.writers:
        groups, _, outputs = magnitudes[slot.layer].shape
        magnitudes[slot.layer] /= _of(slot, step).reshape(groups, 1, outputs)
    for slot in link.readers:
        groups, inputs, _ = magnitudes[slot.layer].shape
        magnitudes[slot.layer] *= _of(slot, step).reshape(groups, inputs, 1)


def _coarseness(link: Link, magnitudes: Magnitudes, bits: int) -> float:
    """Mean rounding noise of the link's channels, of their signal, if one scale is for all.

    A channel whose noise would exceed its signal is lost, and counts as 1.
    """
    highest = 2 ** (bits - 1) - 1
    total = 0.0
    for slots, axis in ((link.writers, 1), (link.readers, 2)):
        for slot in slots:
            ranges = _ranges(link.size, slot, magnitudes, axis=axis)
            step = magnitudes[slot.layer].max() / highest
            alive = ranges > _DEAD * ranges.max(initial=0)
            noise = np.minimum(np.square(step / ranges[alive]) / 12, 1.0)
            total += float(noise.mean()) if noise.size else 0.0
    return total


def _reached(cap: Cap, reach: Mapping[int, np.ndarray]) -> np.ndarray:
    """Which channels of the cap's tensor reach it."""
    highest = reach.get(cap.node.outputs[0])
    return cap.channels >= 0 if highest is None else highest >= cap.value


def _floor(
    link: Link, reached: Mapping[Cap, np.ndarray], reach: Mapping[int, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The smallest scale of each channel that does not push it into a cap; whether it is 1."""
    floor, fixed = np.zeros(link.size), np.zeros(link.size, bool)
    for cap in link.caps:
        own = cap.channels >= 0
        highest = reach.get(cap.node.outputs[0], np.full(own.shape, cap.value))
        np.maximum.at(floor, cap.channels[own], highest[own] / cap.value)
        np.logical_or.at(fixed, cap.channels[own], reached[cap][own])
    return floor, fixed


def _apply(link: Link, scale: np.ndarray) -> None:
    for slot in link.writers:
        factors = 1 / _of(slot, scale)
        scale_outputs(slot.layer, factors)
        moments = slot.layer.statistics
        if moments is not None:
            slot.layer.statistics = Moments(
                mean=moments.mean * factors, deviation=moments.deviation * factors
            )
    for slot in link.readers:
        scale_inputs(slot.layer, _of(slot, scale))


def _carry(graph: KerasGraph, keras: Any, cap: Cap, scale: np.ndarray) -> None:
    """Gives every channel the cap that its scale leaves of the old one."""
    uncap(cap.node.layer)
    caps = cap.value / np.where(cap.channels >= 0, scale[cap.channels], 1.0)
    layer = channel_cap(keras, caps, name=f"{cap.node.layer.name}_cap")
    graph.insert_after(cap.node.outputs[0], layer)


def _of(slot: Slot, scale: np.ndarray) -> np.ndarray:
    """The scale of each of the slot's own channels."""
    return np.where(slot.channels >= 0, scale[slot.channels], 1.0)
