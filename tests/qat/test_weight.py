import numpy as np
import pytest
import tensorflow as tf

from tflq.qat._weight import WeightQuantizer, channel_axes
from tflq.ranges import weight_bounds

W = np.random.default_rng(0).normal(size=(3, 3, 4, 5)).astype(np.float32) * np.float32(
    [1, 2, 4, 8, 16]
)


def _quantizer(bits=8, axes=(3,), ratio=False):
    return WeightQuantizer(bits=bits, axes=axes, ratio=ratio)


def test_bounds_are_the_largest_weights():
    made = _quantizer().bound(tf.constant(W), None, None).numpy()
    np.testing.assert_array_equal(made, np.abs(W).max((0, 1, 2), keepdims=True))
    assert _quantizer(axes=()).bound(tf.constant(W), None, None).numpy() == np.abs(W).max()


def test_bounds_of_depthwise_weights():
    made = _quantizer(axes=(2, 3)).bound(tf.constant(W), None, None)
    assert made.shape == (1, 1, 4, 5) and _quantizer(axes=(2, 3)).channels(W.shape) == 20
    np.testing.assert_array_equal(made, np.abs(W).max((0, 1), keepdims=True))


def test_negative_axes():
    one, other = (_quantizer(axes=(axis,)).bound(tf.constant(W), None, None) for axis in (-1, 3))
    np.testing.assert_array_equal(one, other)


def test_a_floor_lifts_bounds():
    floor = tf.constant([0.0, 100.0, 0.0, 0.0, 0.0])
    made = _quantizer().bound(tf.constant(W), None, floor).numpy().reshape(-1)
    np.testing.assert_array_equal(made[[0, 2]], np.abs(W).max((0, 1, 2))[[0, 2]])
    assert made[1] == 100
    assert _quantizer(axes=()).bound(tf.constant(W), None, floor).numpy().max() == 100


def test_ratios_shrink_bounds_and_are_learned():
    ratio = tf.Variable([0.5, 1.0, 1.0, 1.0, 0.01])
    with tf.GradientTape() as tape:
        bound = _quantizer(ratio=True).bound(tf.constant(W), ratio, None)
        loss = tf.reduce_sum(_quantizer().quantize(tf.constant(W), bound))
    largest = np.abs(W).max((0, 1, 2))
    np.testing.assert_allclose(bound.numpy().reshape(-1) / largest, [0.5, 1, 1, 1, 0.05], rtol=1e-6)
    assert np.abs(tape.gradient(loss, ratio).numpy()[0]) > 0


def test_weights_pass_gradients_though_bounds_follow_them():
    w = tf.Variable(W)
    with tf.GradientTape() as tape:
        quantizer = _quantizer()
        loss = tf.reduce_sum(quantizer.quantize(w, quantizer.bound(w, None, None)))
    np.testing.assert_array_equal(tape.gradient(loss, w), np.ones_like(W))


@pytest.mark.parametrize(("axes", "axis"), [((3,), 1), ((), None)])
def test_first_ratios_are_the_exports_bounds(axes, axis):
    made = _quantizer(bits=4, axes=axes, ratio=True).first_ratio(W)
    flat = W.reshape(-1, 5) if axes else W.reshape(-1, 1)
    bounds = weight_bounds(flat, axis=axis, bits=4, method="mse").reshape(-1)
    largest = np.abs(flat).max(0)
    np.testing.assert_allclose(made, np.clip(bounds / largest, 0.05, 1), rtol=1e-5)
    assert made.min() < 1


def test_scales_of_dead_channels_are_1():
    scales = _quantizer().scales(tf.constant([[0.0, 127.0]])).numpy()
    np.testing.assert_array_equal(scales, [1, 1])


def test_config_round_trip():
    quantizer = _quantizer(bits=4, axes=(2, 3), ratio=True)
    assert WeightQuantizer.from_config(quantizer.get_config()) == quantizer


@pytest.mark.parametrize(
    ("kind", "rank", "equation", "axes"),
    [
        ("Conv2D", 4, None, [3]),
        ("Conv1D", 3, None, [2]),
        ("Dense", 2, None, [1]),
        ("DepthwiseConv2D", 4, None, [2, 3]),
        ("DepthwiseConv1D", 3, None, [1, 2]),
        ("Conv2DTranspose", 4, None, [2]),
        ("EinsumDense", 2, "abc,cd->abd", [1]),
        ("EinsumDense", 3, "abc,chd->abhd", [1, 2]),
        ("EinsumDense", 3, "abhd,hdc->abc", [2]),
    ],
)
def test_channel_axes(kind, rank, equation, axes):
    assert channel_axes(kind, rank, equation) == axes
