"""What a user should know of an export that no figure tells."""

from collections.abc import Mapping

from tflq._candidate import Candidate
from tflq.tflite_side import NarrowJoin, activation_bits, narrow_joins

_SHOWN = 5


def notes_of(candidate: Candidate) -> tuple[str, ...]:
    """Sentences, none where there is nothing to say."""
    return (*_dead_layers(candidate), *_narrow_joins(candidate))


def _dead_layers(candidate: Candidate) -> tuple[str, ...]:
    dead = [
        label
        for tensor, label in candidate.labels.items()
        if (seen := candidate.histograms.get(tensor)) is not None
        and seen.count
        and seen.minimum == seen.maximum == 0
    ]
    if not dead:
        return ()
    return (
        f"nothing but zeros on the calibrating data: {_named(dead)}. Their ranges are guesses; see "
        "whether the data is what the model was trained on, and whether these layers learned.",
    )


def _narrow_joins(candidate: Candidate) -> tuple[str, ...]:
    graph, labels = candidate.plain.graph, candidate.labels
    bits = activation_bits(graph, candidate.assignment)
    found = narrow_joins(graph, candidate.plan.ranges, candidate.histograms, bits)
    return tuple(_narrow_join(join, labels) for join in found)


def _narrow_join(join: NarrowJoin, labels: Mapping[int, str]) -> str:
    name = labels[join.op.outputs[0]]
    few = ", ".join(f"{labels[t]!r} {codes:.1f}" for t, codes in join.codes.items())
    advice = "scale its inputs alike, or keep it and what reads it in float32 with scheme_for="
    if join.outputs:
        advice = "give split_outputs=True (--split_outputs) for an output of each, or io='float32'"
    told = f"concatenation {name!r} has one scale, of whose codes some inputs get few: {few}"
    return f"{told}; {advice}."


def _named(labels: list[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:_SHOWN])
    return shown + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")
