import numpy as np
import pytest
import tf_keras
from small_networks import noise
from training import agreement, export, fit

import tflq
from tflq._errors import UserError

L = tf_keras.layers


def _build(*stack, shape=(8, 8, 3)):
    tf_keras.utils.set_random_seed(0)
    given = x = tf_keras.Input(shape, name="given")
    for i, layer in enumerate(stack):
        layer._name = f"layer{i}"
        x = layer(x)
    model = tf_keras.Model(given, x)
    rng = np.random.default_rng(0)
    model.set_weights([np.abs(w) + rng.uniform(0, 0.3, w.shape) for w in model.get_weights()])
    return model


MODELS = {
    "convolutions": lambda: _build(
        L.Conv2D(4, 3, use_bias=False, kernel_regularizer="l2"),
        L.BatchNormalization(),
        L.ReLU(6.0),
        L.DepthwiseConv2D(3, depth_multiplier=2),
        L.BatchNormalization(scale=False),
        L.ReLU(),
        L.GlobalAveragePooling2D(),
        L.Dense(3, activation="softmax"),
    ),
    "others": lambda: _build(
        L.SeparableConv2D(4, 3, activation="relu"),
        L.Conv2DTranspose(3, 3, strides=2),
        L.Activation("swish"),
        L.MaxPooling2D(),
        L.Dropout(0.2),
        L.Flatten(),
        L.Dense(2),
    ),
    "sequences": lambda: _build(
        L.Conv1D(4, 3, activation="tanh"),
        L.LSTM(4, unroll=True),
        L.Dense(2),
        shape=(6, 5),
    ),
    "gru": lambda: _build(L.GRU(3, unroll=True), L.Dense(2), shape=(4, 3)),
    "layer normalization": lambda: _build(L.LayerNormalization(), L.Dense(2), shape=(7,)),
}


def test_a_sequential_model():
    model = tf_keras.Sequential([L.Input((8, 8, 3)), L.Conv2D(4, 3), L.ReLU(), L.Flatten()])
    assert tflq.quantize(model).count_params() > model.count_params()


@pytest.mark.parametrize("name", MODELS)
def test_models_of_tf_keras_are_trained_by_keras_3(name, tmp_path):
    model = MODELS[name]()
    data = noise(*model.input_shape[1:])
    want = model.predict(data, verbose=0)
    qat = tflq.quantize(model, data=data, calibrator="minmax")
    came = qat.predict(data, verbose=0)
    assert np.corrcoef(want.ravel(), came.ravel())[0, 1] > 0.98
    before = model.get_weights()
    fit(qat, data)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    _, content = export(qat, tmp_path)
    for _, close in agreement(qat, content, data):
        assert close >= 0.98


def test_options_of_other_names():
    model = _build(
        L.Dense(4, activation=L.LeakyReLU(0.3)), L.LeakyReLU(0.4), L.Dropout(0.1), shape=(5,)
    )
    data = noise(5)
    qat = tflq.quantize(model, scheme="w8a16", data=data, calibrator="minmax")
    want, came = (m.predict(data, verbose=0) for m in (model, qat))
    np.testing.assert_allclose(came, want, atol=0.02 * np.abs(want).max())


class Own(L.Layer):
    def call(self, x):
        return x + 1.0


REFUSED = {
    "no counterpart": (lambda: _build(Own(), L.Dense(2)), "Own of tf_keras, and Keras 3 has no"),
    "thresholds of another name": (
        lambda: _build(L.ThresholdedReLU(1.0), L.Dense(2)),
        "Keras 3 has no such layer",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_layers_without_a_counterpart_are_refused(name):
    build, words = REFUSED[name]
    with pytest.raises(UserError, match=words) as caught:
        tflq.quantize(build())
    assert "layer0" in str(caught.value) and "data=" in str(caught.value)
