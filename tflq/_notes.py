"""What a user should know of an export that no figure tells."""

from tflq._candidate import Candidate

_SHOWN = 5


def notes_of(candidate: Candidate) -> tuple[str, ...]:
    """Sentences, none where there is nothing to say."""
    return (*_dead_layers(candidate),)


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


def _named(labels: list[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:_SHOWN])
    return shown + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")
