"""`QuantizedWeights`: any layer, some of whose weights are quantized."""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from tflq.qat._base import QuantizationLayer
from tflq.qat._weight import WeightQuantizer, channel_axes

Tensor = Any


@keras.saving.register_keras_serializable(package="tflq")
class QuantizedWeights(QuantizationLayer):
    """Runs `layer` as it is, with fake-quantized values for some of its variables.

    Args:
        layer: the layer.
        quantizers: by variable name; every variable of that name inside `layer` is quantized.
        quantizing: whether weights are quantized yet.
    """

    def __init__(
        self,
        layer: Any,
        *,
        quantizers: dict[str, WeightQuantizer | dict[str, Any]],
        quantizing: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.layer = layer
        self.quantizers = {
            name: WeightQuantizer.from_config(given) if isinstance(given, dict) else given
            for name, given in quantizers.items()
        }
        self.quantizing = quantizing
        self.supports_masking = layer.supports_masking

    def build(self, input_shape: Any) -> None:
        """Builds the layer, unless it wants more than one shape: then it builds when called."""
        if not self.layer.built and len(inspect.signature(self.layer.build).parameters) == 1:
            self.layer.build(input_shape)
        self.built = True

    def call(self, x: Any, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """The layer's own call."""
        values = [
            (variable, quantizer.quantize(value, quantizer.bound(value, None, None)))
            for variable, quantizer, value in self.quantized()
        ]
        return self._run((x, *args), kwargs, training, values if self.quantizing else [])

    def quantized(self) -> Iterator[tuple[Any, WeightQuantizer, Tensor]]:
        """The variables that are quantized, with their quantizer and float32 value."""
        for variable in self.layer.weights:
            if variable.name in self.quantizers:
                yield variable, self._quantizer(variable), tf.convert_to_tensor(variable)

    def compute_mask(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's own."""
        return self.layer.compute_mask(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """What the layer is made from."""
        return super().get_config() | {
            "layer": keras.saving.serialize_keras_object(self.layer),
            "quantizers": {name: q.get_config() for name, q in self.quantizers.items()},
            "quantizing": self.quantizing,
        }

    def _quantizer(self, variable: Any) -> WeightQuantizer:
        """The quantizer of a variable, along the output channels of the layer that it is of."""
        quantizer = self.quantizers[variable.name]
        owner = next(
            (
                inner
                for inner in self.layer._flatten_layers()
                if any(variable is own for own in inner._trainable_variables)
            ),
            None,
        )
        kind, equation = type(owner).__name__, getattr(owner, "equation", None)
        if variable.name == "depthwise_kernel":
            kind = "Depthwise"
        elif not (equation or kind.startswith("Depthwise") or kind.endswith("Transpose")):
            return quantizer
        if not quantizer.axes:
            return quantizer
        return replace(quantizer, axes=tuple(channel_axes(kind, len(variable.shape), equation)))

    def _run(self, args: Any, kwargs: Any, training: Any, values: Any) -> Any:
        if self.layer._call_has_training_arg:
            kwargs = kwargs | {"training": training}
        if not values:
            return self.layer(*args, **kwargs)
        with keras.StatelessScope(state_mapping=values, collect_losses=True) as scope:
            outputs = self.layer(*args, **kwargs)
        self.add_loss(scope.losses)
        # What the layer updates, such as the state of a dropout's seed, is kept.
        for variable in self.layer.non_trainable_variables:
            updated = scope.get_current_value(variable)
            if updated is not None:
                variable.assign(updated)
        return outputs
