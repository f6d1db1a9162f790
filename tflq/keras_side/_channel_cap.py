"""A cap for each channel: what is left of ReLU6 when its channels have been scaled apart."""

from typing import Any

import numpy as np

from tflq.keras_side._graph import Layer

KIND = "ChannelCap"

_CLASSES: dict[str, type] = {}


def channel_cap(keras: Any, caps: np.ndarray, *, name: str) -> Layer:
    """A layer that computes min(x, cap of the channel); Keras can save and load it.

    Args:
        keras: the module `keras` or `tf_keras`.
        caps: float, shape (channels,).
        name: the layer's name.
    """
    if keras.__name__ not in _CLASSES:
        _CLASSES[keras.__name__] = _define(keras)
    config = {"caps": [float(cap) for cap in caps]}
    return Layer(name=name, cls=_CLASSES[keras.__name__], config=config, weights=[], source=None)


def _define(keras: Any) -> type:
    """The class for one of the two Kerases."""
    import tensorflow as tf

    def create(self: Any, caps: list[float], **kwargs: Any) -> None:
        super(made, self).__init__(**kwargs)
        self.caps = list(caps)

    def call(self: Any, inputs: Any) -> Any:
        return tf.minimum(inputs, tf.constant(self.caps, inputs.dtype))

    def compute_output_shape(self: Any, input_shape: Any) -> Any:
        return input_shape

    def get_config(self: Any) -> dict[str, Any]:
        return {**super(made, self).get_config(), "caps": self.caps}

    methods = (call, compute_output_shape, get_config)
    members = {"__init__": create} | {method.__name__: method for method in methods}
    made: Any = type(KIND, (keras.layers.Layer,), members)
    registered: type = keras.utils.register_keras_serializable(package="tflq")(made)
    return registered
