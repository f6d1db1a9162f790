import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from training import value

from tflq.qat import QuantizedKernel
from tflq.qat._weight import WeightQuantizer

RNG = np.random.default_rng(0)
KINDS = {
    "Conv2D": (lambda: layers.Conv2D(4, 3, padding="same"), (6, 6, 3)),
    "Conv2D without bias": (lambda: layers.Conv2D(4, 3, use_bias=False), (6, 6, 3)),
    "grouped": (lambda: layers.Conv2D(6, 3, groups=3), (6, 6, 3)),
    "depthwise": (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), (6, 6, 3)),
    "transposed": (lambda: layers.Conv2DTranspose(4, 3, strides=2), (5, 5, 3)),
    "Conv1D": (lambda: layers.Conv1D(4, 3), (8, 3)),
    "depthwise 1D": (lambda: layers.DepthwiseConv1D(3), (8, 3)),
    "Dense": (lambda: layers.Dense(4), (7,)),
    "Dense of images": (lambda: layers.Dense(4), (5, 5, 3)),
}
NORMS = {
    "plain": {},
    "no scale": {"scale": False},
    "no center": {"center": False},
    "neither": {"scale": False, "center": False},
    "large epsilon": {"epsilon": 0.1, "momentum": 0.5},
}
AXES = {"depthwise": (2, 3), "depthwise 1D": (1, 2), "transposed": (2,)}


def _pair(kind, options=None, *, gamma=None):
    """A layer, a normalization behind it, both with lifelike weights, and an input."""
    make, shape = KINDS[kind]
    layer, norm = make(), layers.BatchNormalization(**(options or {}))
    x = tf.constant(RNG.normal(1, 1, (8, *shape)).astype(np.float32))
    norm(layer(x))
    for variable in (*layer.weights, *norm.weights):
        drawn = RNG.normal(0, 0.5, variable.shape)
        if variable.name == "moving_variance":
            drawn = RNG.uniform(0.5, 2, variable.shape)
        elif variable.name == "gamma":
            drawn = (
                RNG.uniform(0.5, 1.5, variable.shape)
                if gamma is None
                else np.full(variable.shape, gamma)
            )
        variable.assign(drawn)
    return layer, norm, x


def _quantizer(kind, rank, bits=8):
    axes = AXES.get(kind, (rank - 1,))
    return WeightQuantizer(bits=bits, axes=axes, ratio=False)


def _wrapped(layer, norm, **options):
    again = [
        None if given is None else type(given).from_config(given.get_config())
        for given in (layer, norm)
    ]
    made = QuantizedKernel(again[0], normalization=again[1], **options)
    return made, again


def _copy(source, target):
    for a, b in zip(source.weights, target.weights, strict=True):
        b.assign(a)


def _built(layer, norm, x, **options):
    made, (inner, normalization) = _wrapped(layer, norm, **options)
    made.build(x.shape)
    _copy(layer, inner)
    if norm is not None:
        _copy(norm, normalization)
    return made


CASES = [*((kind, "plain") for kind in KINDS), *(("Conv2D", options) for options in NORMS)]


@pytest.mark.parametrize(("kind", "options"), [*dict.fromkeys(CASES), ("Conv1D", "neither")])
def test_without_quantization_it_trains_as_keras_does(kind, options):
    """Outputs, gradients of every weight and moving statistics."""
    layer, norm, x = _pair(kind, NORMS[options])
    rank = len(layer.kernel.shape)
    made = _built(layer, norm, x, quantizer=_quantizer(kind, rank), quantizing=False)
    share = tf.constant(RNG.normal(size=norm(layer(x)).shape).astype(np.float32))
    with tf.GradientTape() as tape:
        want = norm(layer(x), training=True)
        loss = tf.reduce_sum(share * want)
    wanted = tape.gradient(loss, [*layer.trainable_weights, *norm.trainable_weights])
    with tf.GradientTape() as tape:
        came = made(x, training=True)
        came = came[0] if isinstance(came, tuple) else came
        loss = tf.reduce_sum(share * came)
    gradients = tape.gradient(loss, made.trainable_weights)
    np.testing.assert_allclose(came, want, atol=1e-4)
    assert len(wanted) == len(gradients) >= 1
    for one, other in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3, rtol=1e-3)
    np.testing.assert_allclose(made.normalization.moving_mean, norm.moving_mean, atol=1e-5)
    np.testing.assert_allclose(made.normalization.moving_variance, norm.moving_variance, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_without_quantization_it_evaluates_as_keras_does(kind):
    layer, norm, x = _pair(kind)
    made = _built(layer, norm, x, quantizer=None)
    np.testing.assert_allclose(value(made(x, training=False)), norm(layer(x)), atol=1e-4)


@pytest.mark.parametrize("gamma", [None, 0.0, -1.5])
@pytest.mark.parametrize("kind", KINDS)
def test_in_the_limit_training_is_the_files_function(kind, gamma):
    """With the statistics of quantized weights' outputs, the batch's are the moving ones."""
    layer, norm, x = _pair(kind, gamma=gamma)
    quantizer = _quantizer(kind, len(layer.kernel.shape))
    made = _built(layer, norm, x, quantizer=quantizer)
    # The batch's statistics with quantized weights, found by running a few times.
    for _ in range(6):
        made.normalization.momentum = 0.0
        made(x, training=True)
    trains = value(made(x, training=True))
    made.frozen = True
    frozen = value(made(x, training=True))
    spread = max(np.abs(frozen).max(), 1e-3)
    np.testing.assert_allclose(trains, frozen, atol=2e-3 * spread)
    np.testing.assert_allclose(value(made(x, training=False)), frozen, atol=1e-4 * spread)


def test_frozen_statistics_stay():
    layer, norm, x = _pair("Conv2D")
    made = _built(layer, norm, x, quantizer=None, frozen=True)
    made(x, training=True)
    np.testing.assert_array_equal(made.normalization.moving_mean, norm.moving_mean)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(made(x, training=True)[0]))
    assert all(g is not None for g in tape.gradient(loss, made.trainable_weights))


def test_a_normalization_that_is_not_trainable_is_frozen():
    layer, norm, x = _pair("Conv2D")
    norm.trainable = False
    made = _built(layer, norm, x, quantizer=None)
    made.normalization.trainable = False
    np.testing.assert_allclose(value(made(x, training=True)), norm(layer(x)), atol=1e-4)


@pytest.mark.parametrize("bits", [4, 8])
def test_folded_weights_take_the_files_values(bits):
    layer, norm, x = _pair("Conv2D")
    quantizer = WeightQuantizer(bits=bits, axes=(3,), ratio=False)
    kernel, bias, bound = _built(layer, norm, x, quantizer=quantizer).folded(tf.constant(0.02))
    factor = norm.gamma / np.sqrt(norm.moving_variance + norm.epsilon)
    exact = np.asarray(layer.kernel) * np.asarray(factor)
    scale = np.abs(exact).max((0, 1, 2)) / (2 ** (bits - 1) - 1)
    np.testing.assert_allclose(
        np.asarray(bound).reshape(-1), np.abs(exact).max((0, 1, 2)), rtol=1e-5
    )
    codes = kernel / scale
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-3)
    assert np.abs(kernel - exact).max() <= 0.51 * scale.max()
    want = norm.beta + factor * (layer.bias - norm.moving_mean)
    np.testing.assert_allclose(bias, want, atol=0.02 * scale.max())
    codes = bias / (0.02 * scale)
    np.testing.assert_allclose(codes, np.rint(codes), atol=2e-2)


def test_a_layer_alone_is_quantized():
    layer, _, x = _pair("Dense")
    made = _built(layer, None, x, quantizer=WeightQuantizer(bits=8, axes=(1,), ratio=False))
    kernel, bias, _ = made.folded(None)
    assert np.abs(kernel - layer.kernel).max() > 0
    np.testing.assert_array_equal(bias, layer.bias)
    np.testing.assert_allclose(
        value(made(x)), np.asarray(x) @ np.asarray(kernel) + np.asarray(bias), atol=1e-4
    )


def test_a_tiny_input_scale_lifts_the_bounds_of_channels_with_large_biases():
    layer, _, x = _pair("Dense")
    layer.bias.assign([1e4, 0, 0, 0])
    made = _built(layer, None, x, quantizer=WeightQuantizer(bits=8, axes=(1,), ratio=False))
    _, bias, bound = made.folded(tf.constant(1e-6))
    lifted = np.asarray(bound).reshape(-1)
    assert lifted[0] > np.abs(layer.kernel).max() and lifted[1] == np.abs(layer.kernel[:, 1]).max()
    assert abs(float(bias[0]) / (1e-6 * lifted[0] / 127)) < 2**31


def test_the_gradient_of_weights_is_that_of_the_files_weights():
    """Straight through: d loss / d w of the quantized kernel's product."""
    layer, _, x = _pair("Dense")
    made = _built(layer, None, x, quantizer=WeightQuantizer(bits=8, axes=(1,), ratio=False))
    with tf.GradientTape() as tape:
        y = made(x, training=True)[0]
        loss = tf.reduce_sum(tf.square(y))
    (gradient,) = tape.gradient(loss, [made.layer.kernel])
    np.testing.assert_allclose(
        gradient, np.asarray(x).T @ (2 * np.asarray(y)), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("learned", [True, False])
def test_ratios_are_trainable_where_they_are_learned(learned):
    layer, norm, x = _pair("Conv2D")
    quantizer = WeightQuantizer(bits=4, axes=(3,), ratio=True)
    made, _ = _wrapped(layer, norm, quantizer=quantizer, learned=learned)
    made.build(x.shape)
    names = {v.name for v in made.trainable_variables}
    assert ("ratio" in names) == learned and made.ratio.shape == (4,)


@pytest.mark.parametrize("kind", KINDS)
def test_config_round_trip(kind):
    layer, norm, x = _pair(kind, {"epsilon": 0.01})
    made = _built(layer, norm, x, quantizer=_quantizer(kind, len(layer.kernel.shape)), frozen=True)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert again.get_config() == made.get_config()
    again.build(x.shape)
    _copy(made, again)
    np.testing.assert_array_equal(value(again(x)), value(made(x)))
