"""What is trained for besides the compiled loss stays as it was."""

import keras
import numpy as np
import pytest
from keras import layers
from small_networks import noise
from training import fit

import tflq

ACTIVITY = {"activity_regularizer": keras.regularizers.L1(1e-2)}
X = noise(8, 6)


def _attention(x):
    return layers.MultiHeadAttention(2, 4, **ACTIVITY, kernel_regularizer="l2")(x, x)


def _separable(**options):
    return lambda x: layers.SeparableConv1D(8, 3, **options)(x)


BODIES = {
    "Dense": lambda x: layers.Dense(4, activation="relu", **ACTIVITY)(x),
    "Dense bent": lambda x: layers.Dense(4, activation="silu", **ACTIVITY)(x),
    "Dense by layer": lambda x: layers.Dense(4, activation=layers.ELU(), **ACTIVITY)(x),
    "Conv1D and norm": lambda x: layers.BatchNormalization()(layers.Conv1D(4, 3, **ACTIVITY)(x)),
    "norm": lambda x: layers.BatchNormalization(**ACTIVITY, gamma_regularizer="l2")(
        layers.Conv1D(4, 3)(x)
    ),
    "DepthwiseConv1D": lambda x: layers.DepthwiseConv1D(3, **ACTIVITY, depthwise_regularizer="l2")(
        x
    ),
    "SeparableConv1D": _separable(**ACTIVITY),
    "its kernels": _separable(depthwise_regularizer="l2", pointwise_regularizer="l1"),
    "its bias": _separable(bias_regularizer="l2", bias_initializer="ones"),
    "ReLU twice": lambda x: layers.Add()([layers.ReLU(**ACTIVITY)(x), layers.ReLU(**ACTIVITY)(x)]),
    "Average": lambda x: layers.Average(**ACTIVITY)([x, layers.Dense(6)(x)]),
    "Rescaling": lambda x: layers.Rescaling(3.0, **ACTIVITY)(x),
    "LSTM": lambda x: layers.LSTM(4, **ACTIVITY, recurrent_regularizer="l2")(x),
    "Bidirectional": lambda x: layers.Bidirectional(layers.GRU(4, unroll=True, **ACTIVITY))(x),
    "MultiHeadAttention": _attention,
    "ActivityRegularization": lambda x: layers.ActivityRegularization(0.1)(x),
}


def _model(name):
    keras.utils.set_random_seed(0)
    given = keras.Input((8, 6), name="given")
    made = layers.Dense(3)(layers.Flatten()(BODIES[name](given)))
    model = keras.Model(given, made)
    for norm in model.layers:
        if isinstance(norm, layers.BatchNormalization):
            # Its statistics are those of the batch from the first step on.
            norm.momentum = 0.0
    model(X, training=True)
    return model


def _loss(model, *, training):
    model(X, training=training)
    return float(sum(model.losses))


@pytest.mark.parametrize("name", BODIES)
def test_losses(name):
    model = _model(name)
    qat = tflq.quantize(model, data=X)
    for training in (True, False):
        wanted = _loss(model, training=training)
        assert wanted > 0.01, "too small to tell"
        assert _loss(qat, training=training) == pytest.approx(wanted, rel=0.03)


@pytest.mark.parametrize("name", ["Conv1D and norm", "Dense", "LSTM"])
def test_losses_are_part_of_what_fit_minimizes(name):
    qat = tflq.quantize(_model(name), data=X)
    history = fit(qat, X, metrics=["mse"]).history
    assert history["loss"][0] > history["mse"][0] + 0.005
    assert np.isfinite(history["loss"][0])


def test_constraints_of_separable_kernels_hold():
    keras.utils.set_random_seed(0)
    given = keras.Input((8, 6), name="given")
    limit = {
        f"{half}_constraint": keras.constraints.MaxNorm(0.1) for half in ("depthwise", "pointwise")
    }
    qat = tflq.quantize(keras.Model(given, layers.SeparableConv1D(4, 3, **limit)(given)))
    fit(qat, X)
    kernels = [np.asarray(v) for v in qat.trainable_variables if v.name == "kernel"]
    assert len(kernels) == 2
    for kernel in kernels:
        assert np.sqrt(np.square(kernel).sum(0)).max() < 0.101
