"""Functions and objects of the user's own are kept, whatever they are called."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from small_networks import noise
from training import fit, outputs

import tflq
from tflq.keras_side import Rewriting, activation_name, live_config, read_graph
from tflq.qat._phase import quantization


def relu(x):
    """Not Keras's."""
    return ops.maximum(-0.5 * x, x)


def sigmoid(x):
    return ops.sigmoid(x) * 3.0


def _model(make):
    keras.utils.set_random_seed(0)
    given = keras.Input((6, 5), name="given")
    return keras.Model(given, layers.Dense(3)(make()(given)))


X = noise(6, 5)
ACTIVATIONS = {
    "as Keras's": lambda: relu,
    "as a kernel's": lambda: sigmoid,
    "lambda": lambda: lambda x: ops.minimum(x, 0.3),
    "partial": lambda: functools.partial(keras.activations.leaky_relu, negative_slope=0.7),
    "TensorFlow's": lambda: tf.nn.leaky_relu,
}
LAYERS = {
    "Dense": lambda a: layers.Dense(4, activation=a),
    "Conv1D": lambda a: layers.Conv1D(4, 3, activation=a),
    "SeparableConv1D": lambda a: layers.SeparableConv1D(4, 3, activation=a),
    "Activation": lambda a: layers.Activation(a),
    "LSTM": lambda a: layers.LSTM(4, activation=a, return_sequences=True),
    "TimeDistributed": lambda a: layers.TimeDistributed(layers.Dense(4, activation=a)),
}
# Keras itself cannot say what these are made from.
REFUSED = {("LSTM", "partial"), ("TimeDistributed", "partial")}


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations(kind, layer):
    model = _model(lambda: LAYERS[layer](ACTIVATIONS[kind]()))
    if (layer, kind) in REFUSED:
        with pytest.raises(tflq.UserError, match="functions that have a name"):
            tflq.quantize(model)
        return
    qat = tflq.quantize(model)
    with quantization(qat, on=False):
        np.testing.assert_allclose(outputs(qat, X)[0], outputs(model, X)[0], atol=1e-5)


def test_functions_of_tensorflow_that_keras_has_are_known():
    model = _model(lambda: layers.Dense(4, activation=tf.nn.relu))
    assert activation_name(read_graph(model).nodes[0].layer) == "relu"
    kinds = [type(layer).__name__ for layer in tflq.quantize(model).layers]
    assert "Activation" not in kinds


def test_rewriting_takes_own_functions_too():
    """An own `relu` is none that scales pass through."""
    model = _model(lambda: layers.Dense(4, activation=relu))
    rewriting = Rewriting(model)
    rewriting.equalize(None, bits=8, per_channel=False)
    np.testing.assert_allclose(outputs(rewriting.build(), X)[0], outputs(model, X)[0], atol=1e-5)


class Cubes(keras.regularizers.Regularizer):
    def __call__(self, weight):
        return 0.1 * ops.sum(ops.abs(weight) ** 3)

    def get_config(self):
        return {}


class Small(keras.constraints.Constraint):
    def __call__(self, weight):
        return ops.clip(weight, -0.05, 0.05)


def halves(shape, dtype=None):
    return np.full(shape, 0.5, "float32")


def test_regularizers_constraints_and_initializers():
    model = _model(
        lambda: layers.Dense(
            4,
            kernel_regularizer=Cubes(),
            bias_regularizer=lambda w: ops.sum(ops.abs(w)),
            kernel_constraint=Small(),
            bias_initializer=halves,
            activity_regularizer=Cubes(),
        )
    )
    qat = tflq.quantize(model, data=X)
    losses = []
    for one in (model, qat):
        one(X)
        losses.append(float(sum(one.losses)))
    assert losses[0] > 2 and abs(losses[1] - losses[0]) < 0.01 * losses[0]
    fit(qat, X)
    kernel = next(v for v in qat.trainable_variables if v.shape == (5, 4))
    assert np.abs(kernel).max() <= 0.051


@keras.saving.register_keras_serializable("tests")
class Bent(layers.Layer):
    """Its own from_config reads what its own get_config wrote."""

    def __init__(self, activation, **options):
        super().__init__(**options)
        self.activation = activation

    def call(self, x):
        return self.activation(x)

    def get_config(self):
        return super().get_config() | {"activation": {relu: "bent"}[self.activation]}

    @classmethod
    def from_config(cls, config):
        return cls(**(config | {"activation": {"bent": relu}[config["activation"]]}))


def test_layers_with_a_from_config_of_their_own_get_what_they_wrote():
    assert live_config(Bent(relu))["activation"] == "bent"
    model = _model(lambda: Bent(relu))
    qat = tflq.quantize(model, skip=["bent*"])
    with quantization(qat, on=False):
        np.testing.assert_allclose(outputs(qat, X)[0], outputs(model, X)[0], atol=1e-5)


def test_asking_for_a_config_changes_no_layer():
    dense = layers.Dense(4, activation=relu, kernel_regularizer=Cubes())
    config = live_config(dense)
    assert config["activation"] is relu is dense.activation
    assert config["kernel_regularizer"] is dense.kernel_regularizer
    assert isinstance(config["kernel_initializer"], dict)
