"""Networks of `keras.applications`, with logits for outputs."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

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
    smoke_size: int = 64,
    smoke_options: Mapping[str, Any] | None = None,
    smoke_end: str | None = None,
) -> Any:
    """A network of `keras.applications`.

    Args:
        smoke: build the small version, unless there are weights.
        weights: None or "imagenet".
        kind: the function in `keras.applications`.
        size: height and width of pictures.
        options: further options of the function.
        smoke_kind: the function for the small version; None is `kind`.
        smoke_size: height and width of pictures of the small version.
        smoke_options: its further options.
        smoke_end: its last layer before pooling; None is the network's. When that layer is
            reached, every kind of block has been there.

    Returns:
        A model from pictures to logits.
    """
    if not smoke or weights is not None:
        image = keras.Input((size, size, 3), name="image")
        function = getattr(keras.applications, kind)
        return function(
            weights=weights, input_tensor=image, classifier_activation=None, **(options or {})
        )
    image = keras.Input((smoke_size, smoke_size, 3), name="image")
    function = getattr(keras.applications, smoke_kind or kind)
    trunk = function(weights=None, input_tensor=image, include_top=False, **(smoke_options or {}))
    x = trunk.get_layer(smoke_end).output if smoke_end else trunk.output
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(_SMOKE_CLASSES, name="logits")(x), name=trunk.name)
