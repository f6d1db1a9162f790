"""Says why a Keras model cannot be made into a graph."""

from collections.abc import Sequence
from typing import Any

from tflq._reasons import failed_class, keras_reason
from tflq.data import InputSpec


def untraceable(error: Exception, model: Any, inputs: Sequence[InputSpec], source: str) -> str:
    """One sentence: which layer failed and, where sizes are open, that this may be why.

    Args:
        error: what calling the model on symbolic tensors raised.
        model: the Keras model.
        inputs: what it was called on.
        source: how messages call it.
    """
    failed = failed_class(error)
    reason = keras_reason(error)
    where = "" if failed is None else f"{_layers(model, failed)} fails: "
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
