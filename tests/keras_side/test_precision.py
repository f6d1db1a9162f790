"""Models of half precision and of Keras's own integers."""

import keras
import numpy as np
import pytest
import tf_keras

import tflq
from tflq.keras_side import in_float32

POLICIES = ("mixed_float16", "mixed_bfloat16", "float16")
DATA = np.random.default_rng(0).normal(size=(40, 12, 12, 3)).astype("float32")


def _network(library, policy):
    layers = library.layers
    library.utils.set_random_seed(0)
    library.mixed_precision.set_global_policy(policy)
    try:
        image = library.Input((12, 12, 3), name="image")
        x = layers.BatchNormalization()(layers.Conv2D(8, 3, use_bias=False)(image))
        x = layers.SeparableConv2D(8, 3, activation="relu")(x)
        x = layers.TimeDistributed(layers.Dense(6))(layers.Reshape((8, 64))(x))
        x = layers.Bidirectional(layers.LSTM(4, unroll=True))(x)
        return library.Model(image, layers.Dense(3, dtype="float32")(x))
    finally:
        library.mixed_precision.set_global_policy("float32")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("library", [keras, tf_keras])
def test_half_precision_is_exported_in_float32(library, policy, tmp_path):
    model = _network(library, policy)
    wanted = np.asarray(model(DATA, training=False)).astype("float32")
    floating = in_float32(model)
    assert floating is not model and in_float32(floating) is floating
    came = np.asarray(floating(DATA, training=False))
    np.testing.assert_allclose(came, wanted, atol=0.05)
    report = tflq.export(model, tmp_path / "m.tflite", data=DATA)
    assert report.outputs[0].sqnr_db > 15
    assert model.layers[1].compute_dtype == policy.removeprefix("mixed_")


@pytest.mark.parametrize("policy", POLICIES)
def test_half_precision_is_trained(policy, tmp_path):
    keras.utils.set_random_seed(0)
    x = keras.Input((8,), name="x")
    hidden = keras.layers.Dense(16, activation="relu", dtype=policy)(x)
    model = keras.Model(x, keras.layers.Dense(3, dtype="float32")(hidden))
    data = DATA[:, 0, :4, :2].reshape(40, 8)
    report = tflq.export(tflq.quantize(model, data=data), tmp_path / "m.tflite")
    assert not report.facts.float_ops


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
@pytest.mark.parametrize("verb", ["export", "quantize", "sensitivity"])
def test_what_keras_has_quantized_is_refused_by_its_policy(verb, mode, tmp_path):
    x = keras.Input((8,))
    model = keras.Model(x, keras.layers.Dense(4, name="wide")(x))
    model.quantize(mode)
    data = np.ones((20, 8), "float32")
    calls = {
        "export": lambda: tflq.export(model, tmp_path / "m.tflite", data=data),
        "quantize": lambda: tflq.quantize(model, data=data),
        "sensitivity": lambda: tflq.sensitivity(model, data),
    }
    with pytest.raises(tflq.UserError, match=rf"quantized by Keras already.*'wide'.*{mode}"):
        calls[verb]()


def test_subclassed_half_precision_is_refused_in_one_sentence(tmp_path):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.wide = keras.layers.Dense(4, dtype="mixed_float16", name="wide")

        def call(self, x):
            return self.wide(x)

    model = Net()
    model(np.zeros((1, 8), "float32"))
    with pytest.raises(tflq.UserError, match=r"computes in mixed_float16 \(layer 'wide'\)"):
        tflq.export(model, tmp_path / "m.tflite", data=np.ones((20, 8), "float32"))
