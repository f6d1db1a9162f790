import keras
import numpy as np
import pytest
from keras import layers
from networks import noise
from rewriting import difference, named_samples

from tflq.keras_side import Rewriting


def _high_bias(*, kernel=1, between=lambda x: x, normalized=False, cap=None):
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 1, name="first")(image)
    if normalized:
        x = layers.BatchNormalization(name="bn")(x)
    x = between(layers.ReLU(cap, name="relu")(x))
    x = layers.Conv2D(2, kernel, padding="same", name="second")(x)
    model = keras.Model(image, x)
    if normalized:
        norm = model.get_layer("bn")
        norm.set_weights([np.ones(4), np.array([0.0, 5, 10, -5]), np.zeros(4), np.ones(4)])
    else:
        weights, _ = model.get_layer("first").get_weights()
        model.get_layer("first").set_weights([weights, np.array([0.0, 5, 10, 20])])
    return model, noise(8, 8, 3)


@pytest.mark.parametrize("normalized", [False, True])
def test_moves_what_channels_never_fall_below(normalized):
    model, data = _high_bias(normalized=normalized)
    rewriting = Rewriting(model)
    absorbed = rewriting.absorb(named_samples(model, data))["first"]
    built = rewriting.build()
    assert absorbed[0] == 0
    assert absorbed[2] > 1
    assert difference(model, built, data) < 1e-5
    before = keras.Model(model.input, model.get_layer("relu").output)(data)
    after = keras.Model(built.input, built.get_layer("relu").output)(data)
    np.testing.assert_allclose(np.asarray(before) - absorbed, after, atol=1e-4)


def test_from_statistics_alone_it_is_mean_less_three_deviations():
    model, _ = _high_bias(normalized=True)
    absorbed = Rewriting(model).absorb(None)["first"]
    np.testing.assert_allclose(absorbed, [0, 2, 7, 0], atol=1e-6)


def test_without_statistics_or_samples_nothing_is_moved():
    model, _ = _high_bias()
    assert Rewriting(model).absorb(None) == {}


@pytest.mark.parametrize(
    "options", [{"kernel": 3}, {"between": layers.ZeroPadding2D()}], ids=["same", "padding"]
)
def test_nothing_goes_past_zeros(options):
    model, data = _high_bias(**options)
    rewriting = Rewriting(model)
    assert rewriting.absorb(named_samples(model, data)) == {}
    assert difference(model, rewriting.build(), data) < 1e-6


def test_pooling_lets_a_constant_through():
    model, data = _high_bias(between=layers.AveragePooling2D(2))
    rewriting = Rewriting(model)
    assert rewriting.absorb(named_samples(model, data))
    assert difference(model, rewriting.build(), data) < 1e-5


def test_a_channel_that_reaches_its_cap_is_left():
    model, data = _high_bias(cap=12.0)
    rewriting = Rewriting(model)
    absorbed = rewriting.absorb(named_samples(model, data))["first"]
    assert absorbed[1] > 0
    assert absorbed[3] == 0
    assert difference(model, rewriting.build(), data) < 1e-5
