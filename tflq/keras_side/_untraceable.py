"""Says why a Keras model cannot be made into a graph."""

import re
from collections.abc import Sequence
from typing import Any

from tflq.data import InputSpec

_CALLED = re.compile(r"Exception encountered when calling (?:layer \S+ \(type )?(\w+)")
# Keras makes its messages bold.
_STYLE = re.compile(r"\x1b\[\d*m")


def untraceable(error: Exception, model: Any, inputs: Sequence[InputSpec], source: str) -> str:
    """One sentence: which layer failed and, where sizes are open, that this may be why.

    Args:
        error: what calling the model on symbolic tensors raised.
        model: the Keras model.
        inputs: what it was called on.
        source: how messages call it.
    """
    text = _STYLE.sub("", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = _CALLED.search(text)
    reasons = [line for line in lines if not _CALLED.search(line)] or lines
    reason = reasons[0].split(". ")[0].rstrip(".")[:300] if reasons else type(error).__name__
    where = "" if found is None else f"{_layers(model, found[1])} fails: "
    opened = [spec for spec in inputs if None in spec.shape[1:]]
    if not opened:
        return f"{source} cannot become a graph: {where}{reason}; mend or replace the layer."
    shapes = ", ".join(f"{spec.name!r} {spec.shape}" for spec in opened)
    return (
        f"{source} cannot become a graph of open sizes ({shapes}): {where}{reason}; give the "
        "model inputs of a fixed shape, or replace the layer."
    )


def _layers(model: Any, kind: str) -> str:
    """The layers of a class, by the names that `summary()` shows."""
    flat = model._flatten_layers(include_self=False) if hasattr(model, "_flatten_layers") else ()
    names = [repr(layer.name) for layer in flat if type(layer).__name__ == kind]
    return f"layer {' or '.join(names)} ({kind})" if names else f"a layer of class {kind}"
