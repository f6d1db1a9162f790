"""Refuses Keras models whose training has diverged, by the layer and the weight."""

from typing import Any

import numpy as np

from tflq._errors import UserError


def refuse_infinite(model: Any, source: str | None = None) -> None:
    """Checks that every weight is a number.

    Args:
        model: a Keras 3 or tf_keras model.
        source: how messages call it; default its name.

    Raises:
        UserError: a weight holds NaN or infinity.
    """
    for weight in _weights(model):
        values = np.asarray(weight)
        # Keys of random generators and the like are integers.
        if values.dtype.kind not in "fV":
            continue
        values = values.astype(np.float32)
        if not weight.trainable and _is_mask(values):
            continue
        wrong = values[~np.isfinite(values)]
        if wrong.size:
            raise UserError(
                f"weight {_path(weight)!r} of {source or f'Keras model {model.name!r}'} holds NaN "
                f"or infinity ({wrong[0]:g} in {wrong.size} of {values.size} values); restore a "
                "checkpoint from before training diverged."
            )


def _weights(model: Any) -> list[Any]:
    try:
        return list(model.weights)
    except ValueError:
        # It is not built, which is said where it is called.
        return []


def _is_mask(values: np.ndarray) -> bool:
    """Zeros, and minus infinity for what softmax is not to see."""
    return bool(((values == 0) | np.isneginf(values)).all())


def _path(weight: Any) -> str:
    """Layer and weight, such as `conv/kernel`."""
    return str(getattr(weight, "path", weight.name)).removesuffix(":0")
