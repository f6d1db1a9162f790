import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from networks import noise, settle
from rewriting import difference, named_samples

from tflq.keras_side import Rewriting


def _chain(activation, *, spread=100.0):
    """Two convolutions whose channels between differ by `spread`."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same", name="first")(image)
    x = activation(x)
    x = layers.Conv2D(4, 1, name="second")(x)
    model = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    kernel, bias = model.get_layer("first").get_weights()
    factors = np.geomspace(1, 1 / spread, 6)
    model.get_layer("first").set_weights([kernel * factors, bias * factors])
    return model, noise(8, 8, 3)


def _ranges(model, name, axis):
    kernel = np.abs(model.get_layer(name).get_weights()[0])
    return kernel.max(axis=tuple(a for a in range(4) if a != axis))


EQUIVARIANT = {
    "linear": lambda x: x,
    "relu": layers.ReLU(),
    "leaky": layers.LeakyReLU(),
    "prelu": layers.PReLU(shared_axes=[1, 2]),
    "pooling": lambda x: layers.MaxPooling2D()(layers.ReLU()(x)),
    "padding": lambda x: layers.ZeroPadding2D()(layers.ReLU()(x)),
    "upsampling": lambda x: layers.UpSampling2D()(layers.ReLU()(x)),
    "dropout": lambda x: layers.Dropout(0.5)(layers.ReLU()(x)),
}


@pytest.mark.parametrize("name", EQUIVARIANT)
def test_brings_both_sides_to_like_ranges(name):
    model, data = _chain(EQUIVARIANT[name])
    rewriting = Rewriting(model)
    done = rewriting.equalize(named_samples(model, data), bits=8, per_channel=False)
    equal = rewriting.build()
    assert done.links == done.free == 1
    assert difference(model, equal, data) < 1e-4
    np.testing.assert_allclose(_ranges(equal, "first", 3), _ranges(equal, "second", 2), rtol=0.03)


@pytest.mark.parametrize("name", ["swish", "sigmoid", "tanh", "softmax"])
def test_leaves_what_is_not_equivariant_and_says_why(name):
    model, data = _chain(layers.Activation(name))
    rewriting = Rewriting(model)
    done = rewriting.equalize(named_samples(model, data), bits=8, per_channel=False)
    assert done.links == 0
    assert "does not let a scale through" in done.left["first"]
    assert difference(model, rewriting.build(), data) < 1e-6


def test_a_cap_that_nothing_reaches_is_dropped():
    model, data = _chain(layers.ReLU(6.0))
    rewriting = Rewriting(model)
    done = rewriting.equalize(named_samples(model, data * 0.1), bits=8, per_channel=False)
    assert (done.free, done.kept, done.carried) == (1, 0, 0)
    assert difference(model, rewriting.build(), data * 0.1) < 1e-4


@pytest.mark.parametrize("gain", [0.03, 30.0])
@pytest.mark.parametrize("per_channel", [False, True])
def test_the_function_stays_on_data_twice_as_large(gain, per_channel):
    model, data = _chain(layers.ReLU(6.0), spread=10.0)
    # Unlike kernels, so that full equalization would scale all channels down, or all up.
    kernel, bias = model.get_layer("second").get_weights()
    model.get_layer("second").set_weights([kernel * gain, bias])
    rewriting = Rewriting(model)
    rewriting.equalize(named_samples(model, data), bits=8, per_channel=per_channel)
    assert difference(model, rewriting.build(), data * 2) < 1e-4
    # The largest channel was capped there, so that it mattered.
    first = keras.Model(model.input, model.get_layer("first").output)
    assert first(data * 2).numpy().max() > 6 > first(data).numpy().max()


def test_batch_normalization_tells_without_samples_what_reaches_a_cap():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same", use_bias=False, name="first")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Conv2D(4, 1, name="second")(layers.ReLU(6.0)(x))
    data = noise(8, 8, 3)
    model = settle(keras.Model(image, x), data)
    _, _, *statistics = model.get_layer("norm").get_weights()
    gamma = np.array([2, 1, 0.1, 0.03, 0.01, 0.001])
    model.get_layer("norm").set_weights([gamma, np.zeros(6), *statistics])
    rewriting = Rewriting(model)
    before = rewriting.weight_ranges()["first"]
    done = rewriting.equalize(None, bits=8, per_channel=True)
    grown = rewriting.weight_ranges()["first"] / before
    assert done.kept == 1
    np.testing.assert_allclose(grown[:2], 1)
    # A channel whose twelve deviations lie below the cap may grow until they reach it.
    assert np.all(grown[2:] > 1) and np.all(grown[2:] <= 6 / (12 * gamma[2:]) * 1.01)
    # Normal data reaches four deviations, this eight.
    assert difference(model, rewriting.build(), data * 2) < 1e-4


def test_without_samples_and_normalization_every_cap_counts_as_reached():
    model, data = _chain(layers.ReLU(6.0))
    rewriting = Rewriting(model)
    done = rewriting.equalize(None, bits=8, per_channel=True)
    assert (done.free, done.kept, done.carried) == (0, 1, 0)
    assert difference(model, rewriting.build(), data * 10) < 1e-6


@pytest.mark.parametrize("per_channel", [False, True])
def test_reached_caps_keep_the_function(per_channel):
    model, data = _chain(layers.ReLU(6.0), spread=1e4)
    data = data * 20
    rewriting = Rewriting(model)
    done = rewriting.equalize(named_samples(model, data), bits=4, per_channel=per_channel)
    assert done.free == 0
    # Weights with a scale a channel gain nothing from caps of their own.
    assert done.carried == (0 if per_channel else 1)
    assert difference(model, rewriting.build(), data) < 1e-4


def test_a_model_with_caps_a_channel_saves_and_loads(tmp_path):
    model, data = _chain(layers.ReLU(6.0), spread=1e4)
    rewriting = Rewriting(model)
    rewriting.equalize(named_samples(model, data * 20), bits=4, per_channel=False)
    built = rewriting.build()
    built.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert difference(built, loaded, data) == 0


def test_residual_branches_are_scaled_together():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 1, name="stem")(image)
    y = layers.Conv2D(4, 3, padding="same", name="branch")(layers.ReLU()(x))
    x = layers.Add()([x, y])
    model = keras.Model(image, layers.Conv2D(2, 1, name="head")(x))
    kernel, bias = model.get_layer("stem").get_weights()
    model.get_layer("stem").set_weights([kernel * [1, 10, 100, 1000], bias])
    data = noise(8, 8, 3)
    rewriting = Rewriting(model)
    done = rewriting.equalize(named_samples(model, data), bits=8, per_channel=False)
    assert done.links == 1
    assert difference(model, rewriting.build(), data) < 1e-4


def test_an_addition_of_the_input_fixes_the_branch():
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Add()([image, layers.Conv2D(3, 1, name="branch")(image)])
    model = keras.Model(image, layers.Conv2D(2, 1, name="head")(x))
    done = Rewriting(model).equalize(None, bits=8, per_channel=False)
    assert done.links == 0
    assert "added to what cannot be scaled" in done.left["branch"]


def test_adding_a_constant_is_no_residual_addition():
    image = keras.Input((8, 8, 3), name="image")
    x = layers.ReLU(6.0)(layers.Conv2D(4, 1, name="first")(image) + 3.0)
    model = keras.Model(image, layers.Conv2D(2, 1)(x))
    rewriting = Rewriting(model)
    assert rewriting.equalize(None, bits=8, per_channel=False).links == 0


def test_a_shared_layer_is_left_alone():
    image = keras.Input((8, 8, 3), name="image")
    conv = layers.Conv2D(3, 1, name="conv")
    model = keras.Model(image, layers.Conv2D(2, 1)(conv(layers.ReLU()(conv(image)))))
    done = Rewriting(model).equalize(None, bits=8, per_channel=False)
    assert done.links == 0
    assert done.left["conv"] == "it is used more than once"


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**16), dead=st.sampled_from([0.0, 1e-12, 1e-30]))
def test_dead_channels_do_not_blow_up(seed, dead):
    model, data = _chain(layers.ReLU())
    rng = np.random.default_rng(seed)
    kernel, _ = model.get_layer("first").get_weights()
    factors = np.where(rng.uniform(size=6) < 0.5, dead, 1.0)
    model.get_layer("first").set_weights([kernel * factors, rng.normal(size=6)])
    rewriting = Rewriting(model)
    rewriting.equalize(named_samples(model, data), bits=8, per_channel=False)
    built = rewriting.build()
    assert difference(model, built, data) < 1e-4
    assert max(np.abs(weight).max() for weight in built.get_weights()) < 1e3


def test_statistics_follow_the_scales():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 1, name="conv")(image))
    x = layers.Conv2D(2, 1, name="head")(layers.ReLU(name="relu")(x))
    data = noise(8, 8, 3)
    model = settle(keras.Model(image, x), data)
    rewriting = Rewriting(model)
    rewriting.equalize(None, bits=8, per_channel=False)
    means = rewriting.expect({"image": (-4, 4)}).input_means["head"]
    built = rewriting.build()
    seen = keras.Model(built.input, built.get_layer("relu").output)(data)
    np.testing.assert_allclose(means, np.mean(seen, axis=(0, 1, 2)), rtol=0.25, atol=0.05)
