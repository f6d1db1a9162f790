"""Exported networks that the tests of all targets read."""

import networks
import pytest

import tflq
from tflq.tflite_side import Graph


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A function: the content and the graph of a network's file, each made once."""
    folder = tmp_path_factory.mktemp("targets")
    made = {}

    def export(name, scheme="w8a8"):
        if (name, scheme) not in made:
            model, data = zoo() if name == "zoo" else networks.ODD[name]()
            path = folder / f"{name}-{scheme}.tflite"
            tflq.export(model, path, data=data, scheme=scheme, calibrator="minmax")
            made[name, scheme] = path
        content = made[name, scheme].read_bytes()
        return content, Graph.from_bytes(content)

    return export


def zoo():
    """One layer of every kind that some target does not take."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    x = image = keras.Input((16, 16, 8), name="image")
    for layer in (
        layers.Conv2D(8, 3, name="first"),
        layers.LeakyReLU(name="leaky"),
        layers.Conv2D(8, 3, padding="same", activation="hard_silu", name="swish"),
        layers.AveragePooling2D(2, name="average"),
        layers.Conv2D(8, 1, activation="tanh", name="tanh"),
        layers.PReLU(shared_axes=[1, 2], name="prelu"),
        layers.UpSampling2D(2, name="nearest"),
        layers.UpSampling2D(2, interpolation="bilinear", name="bilinear"),
        layers.Conv2DTranspose(4, 3, strides=2, name="transposed"),
        layers.ELU(name="elu"),
        layers.MaxPooling2D(2, name="max"),
        layers.DepthwiseConv2D(3, depth_multiplier=2, name="wide"),
        layers.Conv2D(4, 1, activation="gelu", name="gelu"),
        layers.LayerNormalization(name="norm"),
        layers.GlobalMaxPooling2D(name="global_max"),
        layers.Dense(8, name="logits"),
        layers.Softmax(name="softmax"),
    ):
        x = layer(x)
    return keras.Model(image, x, name="zoo"), networks.noise(16, 16, 8)
