import keras
import networks
import numpy as np
import pytest
import tf_keras
from keras import layers
from networks import noise
from rewriting import difference

from tflq import UserError
from tflq.keras_side._build import build_model
from tflq.keras_side._graph import read_graph


def _rebuilt(model):
    return build_model(read_graph(model))


@pytest.mark.parametrize("name", [name for name in networks.ODD if name != "subclassed"])
def test_rebuilding_changes_nothing(name):
    model, data = networks.ODD[name]()
    assert difference(model, _rebuilt(model), data) < 1e-6


def _operations(x):
    x = layers.Conv2D(4, 1)(x)
    x = (2.0 * x + x[:, :1] - 1.0) / 3.0
    return keras.ops.concatenate([x, keras.ops.relu(x)], axis=-1)


def _lambda(x):
    return layers.Lambda(lambda t: t * 2, output_shape=(8, 8, 3))(x)


def _two_outputs(x):
    return {"a": layers.Conv2D(2, 1)(x), "b": [x, layers.ReLU()(x)]}


@pytest.mark.parametrize("make", [_operations, _lambda, _two_outputs])
def test_rebuilds_operations_lambdas_and_structures(make):
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, make(image))
    again = _rebuilt(model)
    data = noise(8, 8, 3)
    assert difference(model, again, data) < 1e-6
    if isinstance(model.output, dict):
        assert set(again.output) == {"a", "b"}


def test_inputs_keep_their_structure():
    inputs = {"b": keras.Input((3,), name="b"), "a": keras.Input((2,), name="a")}
    joined = layers.Concatenate()([inputs["b"], inputs["a"]])
    model = keras.Model(inputs, layers.Dense(2)(joined))
    data = {"b": noise(3), "a": noise(2, seed=1)}
    again = _rebuilt(model)
    np.testing.assert_allclose(model(data), again(data), atol=1e-6)


def test_a_tf_keras_model_stays_one():
    image = tf_keras.Input((8, 8, 3))
    inner = tf_keras.Sequential([tf_keras.layers.Conv2D(4, 3), tf_keras.layers.ReLU(6.0)])
    x = inner(image) + inner(image * 2.0)
    model = tf_keras.Model(image, tf_keras.layers.GlobalAveragePooling2D()(x))
    again = _rebuilt(model)
    assert isinstance(again, tf_keras.Model)
    assert difference(model, again, noise(8, 8, 3)) < 1e-6


def test_nested_models_are_opened_and_names_stay_unique():
    def block(name):
        own = [keras.Input((8, 8, 3)), layers.Conv2D(3, 1, name="conv")]
        return keras.Sequential(own, name=name)

    image = keras.Input((8, 8, 3), name="image")
    one, two = (keras.Sequential([keras.Input((8, 8, 3)), block(n)], name=n * 2) for n in "ab")
    model = keras.Model(image, two(one(image)))
    names = [node.layer.name for node in read_graph(model).nodes]
    assert names[0] == "conv" and len(set(names)) == 2
    assert difference(model, _rebuilt(model), noise(8, 8, 3)) < 1e-6


def test_a_model_of_a_models_middle_is_read_from_its_own_inputs():
    model, data = networks.small_cnn()
    tail_in = model.get_layer("pool").output
    head = keras.Model(model.input, tail_in)
    assert difference(head, _rebuilt(head), data) < 1e-6
    assert "logits" not in {node.layer.name for node in read_graph(head).nodes}


class _Stubborn(layers.Layer):
    def __init__(self, factor):
        super().__init__(name="stubborn")
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        raise NotImplementedError


class _Forgetful(_Stubborn):
    def get_config(self):
        return {"name": self.name}


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (_Stubborn, r"'stubborn' \(_Stubborn\) cannot be rebuilt, for it has no get_config"),
        (_Forgetful, r"'stubborn' \(_Forgetful\) cannot be rebuilt from its get_config"),
    ],
)
def test_layers_that_cannot_be_rebuilt_are_named(layer, message):
    image = keras.Input((4,))
    with pytest.raises(UserError, match=message) as caught:
        _rebuilt(keras.Model(image, layer(2.0)(image)))
    assert "\n" not in str(caught.value)


def test_models_that_only_their_code_connects_are_refused():
    with pytest.raises(UserError, match="'subclassed' is a Subclassed"):
        read_graph(networks.subclassed()[0])
    with pytest.raises(UserError, match="has been built"):
        read_graph(keras.Sequential([layers.Dense(3)]))
