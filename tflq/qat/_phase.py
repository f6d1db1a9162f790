"""The phases of a training: what observes, what quantizes, what is frozen."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tflq._errors import UserError
from tflq.qat._activation import FakeQuant
from tflq.qat._kernel import QuantizedKernel
from tflq.qat._weights_layer import QuantizedWeights

_QUANTIZED = (FakeQuant, QuantizedKernel, QuantizedWeights)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What a quantized model does in training.

    Attributes:
        quantizing: whether weights and activations are quantized.
        observing: whether ranges still move.
        normalizing: whether batch normalization uses the batch's statistics.
    """

    quantizing: bool
    observing: bool
    normalizing: bool


# The function that trains is the one in the file, its ranges settled.
FINAL = Phase(quantizing=True, observing=False, normalizing=False)


def quantized_layers(model: Any) -> list[Any]:
    """The layers of a model that `tflq.quantize` put there, in running order."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, _QUANTIZED)]


def is_quantized(model: Any) -> bool:
    """Whether the model came from `tflq.quantize`."""
    return hasattr(model, "_flatten_layers") and bool(quantized_layers(model))


def require_quantized(model: Any, argument: str) -> None:
    """Raises UserError for a model that did not come from `tflq.quantize`."""
    if not is_quantized(model):
        raise UserError(
            f"{argument} {getattr(model, 'name', model)!r} is not quantized; make it with "
            "tflq.quantize(model)."
        )


def set_phase(model: Any, phase: Phase) -> None:
    """Sets what the layers do from the next trace of the model on."""
    for layer in quantized_layers(model):
        layer.quantizing = phase.quantizing
        if isinstance(layer, FakeQuant):
            layer.observing = phase.observing
        elif isinstance(layer, QuantizedKernel):
            layer.frozen = not phase.normalizing


@contextlib.contextmanager
def quantization(model: Any, *, on: bool) -> Iterator[None]:
    """Lets the model quantize, or compute in float, for a while."""
    layers = quantized_layers(model)
    before = [layer.quantizing for layer in layers]
    try:
        for layer in layers:
            layer.quantizing = on
        yield
    finally:
        for layer, quantizing in zip(layers, before, strict=True):
            layer.quantizing = quantizing
