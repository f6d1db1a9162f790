"""Layers that give nothing on the calibrating data."""

import keras
import numpy as np
import pytest
from keras import layers

import tflq


def _network(behind):
    """A ReLU that is never reached, and what is made of it."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    dead = layers.Conv2D(4, 3, activation="relu", name="dead")
    live = layers.Conv2D(4, 3, name="live")(image)
    x = layers.GlobalAveragePooling2D()(behind(dead(image), live))
    model = keras.Model(image, layers.Dense(3, name="head")(x))
    dead.bias.assign(np.full(4, -50.0))
    return model


BEHIND = {
    "nothing": lambda dead, live: dead,
    "convolution": lambda dead, live: layers.Conv2D(4, 3)(dead),
    "depthwise": lambda dead, live: layers.DepthwiseConv2D(3)(dead),
    "sum": lambda dead, live: layers.Add()([dead, live]),
    "sum of two": lambda dead, live: layers.Add()([dead, layers.ReLU()(dead)]),
    "product": lambda dead, live: layers.Multiply()([dead, live]),
    "concatenation": lambda dead, live: layers.Concatenate()([dead, live]),
    "pool": lambda dead, live: layers.MaxPooling2D()(dead),
    "leaky": lambda dead, live: layers.LeakyReLU()(dead),
    "sigmoid": lambda dead, live: layers.Activation("sigmoid")(dead),
    "hard swish": lambda dead, live: layers.Activation("hard_swish")(dead),
    "upsampling": lambda dead, live: layers.UpSampling2D(interpolation="bilinear")(dead),
}


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
@pytest.mark.parametrize("behind", BEHIND)
def test_a_dead_layer_makes_a_file_and_is_named(behind, scheme, tmp_path):
    model = _network(BEHIND[behind])
    images = np.random.default_rng(0).random((30, 8, 8, 3), "float32")
    report = tflq.export(model, tmp_path / "m.tflite", data=images, scheme=scheme)
    assert report.outputs[0].sqnr_db > 20
    (note,) = [note for note in report.notes if "zeros" in note]
    assert "'dead'" in note and "'live'" not in note
    assert note in " ".join(str(report).split())


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16", "w4a8", "w8a8-per-tensor"])
def test_an_output_that_is_next_to_nothing_is_exported(scheme, tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="tiny")(image)
    model = keras.Model(image, layers.Conv2D(2, 3)(x))
    images = np.random.default_rng(0).random((30, 8, 8, 3), "float32")
    largest = keras.Model(image, model.get_layer("tiny").output).predict(images, verbose=0)
    # Far less is left than one code of what the kernel sums.
    model.get_layer("tiny").bias.assign(1e-7 - largest.max((0, 1, 2)))
    tflq.export(model, tmp_path / "m.tflite", data=images, scheme=scheme)


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
def test_what_cancels_out_is_exported(scheme, tmp_path):
    """The 16-bit kernel ends the process where the output's scale is too small."""
    first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
    x = layers.Add()([layers.Dense(4, name="one")(first), layers.Dense(4, name="two")(second)])
    model = keras.Model([first, second], layers.Dense(2)(x))
    kernel, _ = model.get_layer("one").get_weights()
    model.get_layer("two").set_weights([-kernel, np.zeros(4)])
    x = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
    data = {"first": x, "second": x * np.float32(1 + 1e-6)}
    tflq.export(model, tmp_path / "m.tflite", data=data, scheme=scheme)


def test_an_input_of_zeros_is_named(tmp_path):
    keras.utils.set_random_seed(0)
    first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
    x = layers.Concatenate()([layers.Dense(4)(first), layers.Dense(4)(second)])
    model = keras.Model([first, second], layers.Dense(3)(x))
    x = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
    report = tflq.export(
        model, tmp_path / "m.tflite", data={"first": x, "second": np.zeros_like(x)}
    )
    assert any("'second'" in note and "zeros" in note for note in report.notes)
    assert report.outputs[0].sqnr_db > 25
