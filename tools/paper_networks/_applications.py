"""Networks of `keras.applications`, with logits for outputs."""

from collections.abc import Mapping
from typing import Any

# The small versions tell few classes apart.
_SMOKE_CLASSES = 20


def application(
    smoke: bool,
    weights: str | None = None,
    *,
    kind: str,
    size: int = 224,
    options: Mapping[str, Any] | None = None,
    smoke_kind: str | None = None,
    smoke_options: Mapping[str, Any] | None = None,
    smoke_size: int = 64,
) -> Any:
    """A network of `keras.applications`.

    Args:
        smoke: build the small version, unless there are weights.
        weights: None or "imagenet".
        kind: the function in `keras.applications`.
        size: height and width of pictures.
        options: its options.
        smoke_kind: the function for the small version, with the same kinds of blocks; None is
            `kind`.
        smoke_options: its options.
        smoke_size: height and width of pictures of the small version.

    Returns:
        A model from pictures to logits.
    """
    import keras

    if smoke and weights is None:
        return getattr(keras.applications, smoke_kind or kind)(
            weights=None,
            input_tensor=keras.Input((smoke_size, smoke_size, 3), name="image"),
            classes=_SMOKE_CLASSES,
            classifier_activation=None,
            **(smoke_options or {}),
        )
    return getattr(keras.applications, kind)(
        weights=weights,
        input_tensor=keras.Input((size, size, 3), name="image"),
        classifier_activation=None,
        **(options or {}),
    )
