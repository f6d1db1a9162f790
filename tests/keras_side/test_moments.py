import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from networks import noise, settle

from tflq.keras_side import Rewriting
from tflq.keras_side._moments import ClippedNormal

REAL = st.floats(-5, 5)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(mean=REAL, deviation=st.floats(0.01, 5), low=REAL, width=st.floats(0, 8) | st.just(np.inf))
def test_moments_of_the_clipped_normal(mean, deviation, low, width):
    one = ClippedNormal(**_arrays(mean=mean, deviation=deviation, low=low, high=low + width))
    drawn = np.random.default_rng(0).normal(mean, deviation, 200_000).clip(low, low + width)
    first, second = one.moments()
    np.testing.assert_allclose(first, drawn.mean(), atol=0.02 * deviation)
    np.testing.assert_allclose(np.sqrt(second), drawn.std(), atol=0.03 * deviation)


def _arrays(**values):
    return {name: np.array([value]) for name, value in values.items()}


def test_a_constant_has_its_value_as_mean():
    one = ClippedNormal(**_arrays(mean=2.0, deviation=0.0, low=0.0, high=6.0))
    first, second = one.moments()
    np.testing.assert_allclose([first, second], [[2.0], [0.0]], atol=1e-9)


def _network(behind):
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(6, 3, name="conv")(image)
    x = layers.BatchNormalization(name="bn")(x)
    x = behind(x)
    model = keras.Model(image, layers.Conv2D(4, 1, name="head")(x))
    data = noise(12, 12, 3)
    return settle(model, data), data


BEHIND = {
    "linear": lambda x: layers.Identity()(x),
    "relu": lambda x: layers.ReLU()(x),
    "relu6": lambda x: layers.ReLU(6.0)(x),
    "pool": lambda x: layers.AveragePooling2D(1)(layers.ReLU()(x)),
    "add": lambda x: layers.Add()([layers.ReLU()(x), layers.ReLU(1.0)(x)]),
    "concatenate": lambda x: layers.Concatenate()([layers.ReLU()(x), x]),
    "depthwise": lambda x: layers.ReLU()(layers.DepthwiseConv2D(1)(x)),
}


@pytest.mark.parametrize("name", BEHIND)
def test_expected_means_are_those_of_the_data(name):
    model, data = _network(BEHIND[name])
    expected = Rewriting(model).expect({"image": (-4.0, 4.0)})
    seen = keras.Model(model.input, model.get_layer("head").input)(data)
    means = expected.input_means["head"]
    np.testing.assert_allclose(means, np.mean(seen, axis=(0, 1, 2)), atol=0.12)


@pytest.mark.parametrize("name", BEHIND)
def test_expected_ranges_hold_the_data(name):
    model, data = _network(BEHIND[name])
    expected = Rewriting(model).expect({"image": (-4.0, 4.0)})
    assert expected.ranges["image"] == (-4.0, 4.0)
    for layer in model.layers[1:]:
        if layer.name not in expected.ranges:
            continue
        low, high = expected.ranges[layer.name]
        values = np.asarray(keras.Model(model.input, layer.output)(data))
        assert low <= values.min() and values.max() <= high
        assert high - low < 10 * (values.max() - values.min())


ODD = {
    "swish": layers.Activation("swish", name="odd"),
    "leaky": layers.Activation("leaky_relu", name="odd"),
    "a slope of its own": layers.ReLU(negative_slope=0.1, name="odd"),
    "PReLU": layers.PReLU(name="odd"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_clipping_is_not_guessed(name):
    model, _ = _network(ODD[name])
    expected = Rewriting(model).expect({"image": (-4.0, 4.0)})
    assert "odd" not in expected.ranges and "head" not in expected.input_means
