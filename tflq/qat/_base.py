"""What the layers of quantized models share."""

import sys
from typing import Any

import keras

from tflq._errors import UserError

# Raised when a saved model would no longer load as it was meant.
_FORMAT = 1
# Keras walks a model with one Python frame a layer, and quantizers double the layers: the usual
# limit of 1000 frames is too low to quantize the deepest networks, and to load them again.
_FRAMES = 10_000


class QuantizationLayer(keras.layers.Layer):
    """A layer that computes in float32 whatever the policy, and says how it was saved.

    Quantization needs all of float32; layers inside have policies of their own.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**(kwargs | {"dtype": "float32", "autocast": False}))
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES))

    def get_config(self) -> dict[str, Any]:
        """What every such layer is made from."""
        config: dict[str, Any] = super().get_config()
        config.pop("dtype", None)
        return config | {"format": _FORMAT}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes the layer, and the layers inside.

        Raises:
            UserError: a later tflq saved it.
        """
        config = dict(config)
        saved = config.pop("format", _FORMAT)
        if saved > _FORMAT:
            raise UserError(
                f"layer {config.get('name')!r} was saved by a newer tflq (format {saved}, this one "
                f"reads {_FORMAT}); install that one: the file is as it was."
            )
        for name, value in config.items():
            if isinstance(value, dict) and "class_name" in value:
                config[name] = keras.saving.deserialize_keras_object(value)
                # Dense forgets its alpha when it is built.
                if alpha := value["config"].get("lora_alpha"):
                    config[name].lora_alpha = alpha
        return cls(**config)
