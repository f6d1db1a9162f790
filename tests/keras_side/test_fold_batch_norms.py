import keras
import numpy as np
import pytest
from keras import layers
from networks import noise, settle
from rewriting import difference

from tflq.keras_side import Rewriting


def _conv(**kwargs):
    return layers.Conv2D(4, 3, name="conv", **kwargs)


def _settled(make, *, shape=(8, 8, 3)):
    keras.utils.set_random_seed(0)
    image = keras.Input(shape)
    data = noise(*shape)
    return settle(keras.Model(image, make(image)), data), data


BEHIND = {
    "conv": _conv(),
    "conv without bias": _conv(use_bias=False),
    "grouped": layers.Conv2D(6, 3, groups=3, name="conv"),
    "depthwise": layers.DepthwiseConv2D(3, depth_multiplier=2, name="conv"),
    "separable": layers.SeparableConv2D(4, 3, depth_multiplier=2, name="conv"),
    "transposed": layers.Conv2DTranspose(4, 3, strides=2, name="conv"),
    "dense": layers.Dense(5, name="conv"),
}


@pytest.mark.parametrize("name", BEHIND)
def test_folds_into_the_kernel_before(name):
    model, data = _settled(lambda x: layers.BatchNormalization(name="bn")(BEHIND[name](x)))
    rewriting = Rewriting(model)
    assert rewriting.folding.folded == ("bn",)
    assert difference(model, rewriting.build(), data) < 1e-5


@pytest.mark.parametrize("options", [{"scale": False}, {"center": False}, {"epsilon": 0.1}])
def test_reads_every_kind_of_normalization(options):
    model, data = _settled(lambda x: layers.BatchNormalization(name="bn", **options)(_conv()(x)))
    rewriting = Rewriting(model)
    assert rewriting.folding.folded == ("bn",)
    assert difference(model, rewriting.build(), data) < 1e-5


@pytest.mark.parametrize("gamma", [0.0, -1.5])
def test_folds_any_gamma(gamma):
    model, data = _settled(lambda x: layers.BatchNormalization(name="bn")(_conv()(x)))
    model.get_layer("bn").gamma.assign(np.full(4, gamma))
    assert difference(model, Rewriting(model).build(), data) < 1e-5


def _before(following):
    return lambda x: following(layers.BatchNormalization(name="bn")(x))


AHEAD = {
    "valid": _conv(),
    "pointwise": layers.Conv2D(4, 1, padding="same", name="conv"),
    "depthwise": layers.DepthwiseConv2D(3, name="conv"),
    "dense": layers.Dense(4, name="conv"),
}


@pytest.mark.parametrize("name", AHEAD)
def test_folds_into_the_kernel_behind(name):
    model, data = _settled(_before(AHEAD[name]))
    rewriting = Rewriting(model)
    assert rewriting.folding.folded == ("bn",)
    assert difference(model, rewriting.build(), data) < 1e-5


def _used_twice(x):
    y = _conv()(x)
    return layers.Add()([layers.BatchNormalization(name="bn")(y), y])


def _also_an_output(x):
    y = _conv()(x)
    return [layers.BatchNormalization(name="bn")(y), y]


def _two_normalizations_of_one_convolution(x):
    conv = layers.Conv2D(3, 1, name="conv")
    norms = [layers.BatchNormalization(name=name) for name in ("bn", "other")]
    return layers.Add()([norm(conv(v)) for norm, v in zip(norms, (x, -x), strict=True)])


LEFT = {
    "an activation of its own": lambda x: layers.BatchNormalization(name="bn")(
        _conv(activation="relu")(x)
    ),
    "pads with zeros": _before(layers.Conv2D(4, 3, padding="same", name="conv")),
    "used elsewhere": _used_twice,
    "is used elsewhere as well": _also_an_output,
    "'conv' before it": _two_normalizations_of_one_convolution,
    "another axis": lambda x: layers.BatchNormalization(name="bn", axis=1)(_conv()(x)),
}


@pytest.mark.parametrize("reason", LEFT)
def test_leaves_what_would_change_the_function(reason):
    model, data = _settled(LEFT[reason])
    rewriting = Rewriting(model)
    assert reason in rewriting.folding.left["bn"]
    assert difference(model, rewriting.build(), data) < 1e-6


def test_a_siamese_backbone_is_folded_once():
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), _conv(), layers.BatchNormalization(name="bn")], name="backbone"
    )

    def twice(x):
        return layers.Subtract()([inner(x), inner(layers.ReLU()(x))])

    model, data = _settled(twice)
    rewriting = Rewriting(model)
    assert rewriting.folding.folded == ("bn",)
    assert difference(model, rewriting.build(), data) < 1e-5


def test_two_in_a_row_are_both_folded():
    def make(x):
        return layers.BatchNormalization(name="b")(layers.BatchNormalization(name="a")(_conv()(x)))

    model, data = _settled(make)
    rewriting = Rewriting(model)
    assert set(rewriting.folding.folded) == {"a", "b"}
    assert difference(model, rewriting.build(), data) < 1e-5


def test_the_users_model_stays_as_it_is():
    model, _ = _settled(lambda x: layers.BatchNormalization(name="bn")(_conv()(x)))
    before = [weight.copy() for weight in model.get_weights()]
    folded = Rewriting(model).build()
    folded.set_weights([np.zeros_like(weight) for weight in folded.get_weights()])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.get_layer("conv").output is not None


def test_tf_keras_models_fold_too():
    import tf_keras

    image = tf_keras.Input((8, 8, 3))
    x = tf_keras.layers.Conv2D(4, 3, use_bias=False)(image)
    x = tf_keras.layers.BatchNormalization(name="bn")(x)
    model = tf_keras.Model(image, tf_keras.layers.ReLU(6.0)(x))
    model.get_layer("bn").set_weights([np.arange(1.0, 5), np.ones(4), np.ones(4), np.ones(4) * 2])
    rewriting = Rewriting(model)
    assert rewriting.folding.folded == ("bn",)
    assert difference(model, rewriting.build(), noise(8, 8, 3)) < 1e-5
