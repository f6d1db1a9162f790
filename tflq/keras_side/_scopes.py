"""Refuses names of layers that TensorFlow's graphs do not take."""

import re
from typing import Any

from tflq._errors import UserError

# TensorFlow's own patterns, of an outermost scope and of one within another.
_ROOT = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
_INNER = re.compile(r"[A-Za-z0-9_.\\/>-]*")


def refuse_odd_names(model: Any, source: str) -> None:
    """Checks names before Keras makes scopes of them: a scope that fails stays open for good.

    Args:
        model: a Keras 3 or tf_keras model.
        source: how messages call it.

    Raises:
        UserError: a layer or the model has a name that cannot be a scope's.
    """
    if not hasattr(model, "_flatten_layers"):
        return
    inner = [
        layer.name
        for layer in model._flatten_layers(include_self=False)
        if type(layer).__name__ != "InputLayer"
    ]
    root = [model.name] if model.name else inner
    odd = [name for name in root if not _ROOT.fullmatch(name)]
    odd += [name for name in inner if not _INNER.fullmatch(name)]
    if odd:
        raise UserError(
            f"{source} cannot become a graph: TensorFlow takes no layer or model that is named "
            f"{odd[0]!r}; name it with letters from a to z, digits, and . _ - after the first."
        )
