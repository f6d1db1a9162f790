import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq.affine import Mode, largest_bias, parameters
from tflq.qat._fake_quant import (
    bias_floor,
    fake_quant,
    fake_quant_bias,
    fake_quant_learned,
    fake_quant_symmetric,
    scale_of,
)

BOUNDS = st.floats(0.015625, 100, width=32)
VALUES = st.lists(st.floats(-150, 150, width=32), min_size=1, max_size=30)
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def _far_from_ties(x, scale):
    """Whether float32 arithmetic cannot round to another code."""
    return np.abs(np.abs(x / scale) % 1 - 0.5) > 1e-3


def _gradients(function, *values):
    variables = [tf.Variable(np.float32(v)) for v in values]
    with tf.GradientTape() as tape:
        y = function(*variables)
        loss = tf.reduce_sum(tf.reshape(y, (-1,)) * tf.range(1.0, float(tf.size(y)) + 1.0))
    return [np.asarray(g) for g in tape.gradient(loss, variables)]


@QUICK
@given(low=BOUNDS, high=BOUNDS, values=VALUES)
def test_activations_are_quantized_as_files_are(low, high, values):
    affine = parameters(-low, high, bits=8, mode=Mode.ASYMMETRIC)
    exact_zero = -128 + low / float(affine.scale)
    x = np.float32(values)
    known = _far_from_ties(x, affine.scale) & (abs(exact_zero % 1 - 0.5) > 1e-3)
    made = fake_quant(tf.constant(x), tf.constant(-low), tf.constant(high)).numpy()
    np.testing.assert_allclose(
        made[known], affine.fake_quant(x)[known], rtol=1e-5, atol=1e-4 * float(affine.scale)
    )
    assert scale_of(-low, high, bits=8).numpy() == pytest.approx(float(affine.scale), rel=1e-6)


@QUICK
@given(low=BOUNDS, high=BOUNDS, values=VALUES)
def test_16_bits_are_symmetric(low, high, values):
    affine = parameters(-low, high, bits=16, mode=Mode.SYMMETRIC_RESTRICTED)
    x = np.float32(values)
    made = fake_quant(tf.constant(x), tf.constant(-low), tf.constant(high), bits=16).numpy()
    np.testing.assert_allclose(made, affine.fake_quant(x), atol=1.001 * float(affine.scale))
    exact = np.clip(x, -max(low, high), max(low, high))
    assert np.abs(made - exact).max() <= 0.51 * float(affine.scale)


@QUICK
@given(bounds=st.lists(BOUNDS, min_size=3, max_size=3), bits=st.sampled_from([4, 8]))
def test_weights_are_quantized_per_channel(bounds, bits):
    bound = np.float32(bounds)
    w = np.random.default_rng(0).normal(0, 30, (20, 3)).astype(np.float32)
    affine = parameters(-bound, bound, bits=bits, mode=Mode.SYMMETRIC_RESTRICTED, axis=1)
    made = fake_quant_symmetric(tf.constant(w), tf.constant(bound[None]), bits=bits).numpy()
    known = _far_from_ties(w, affine.scale)
    want = affine.fake_quant(w)
    assert known.mean() > 0.9
    np.testing.assert_allclose(made[known], want[known], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_have_2_to_the_bits_less_1_values(bits):
    w = tf.linspace(-1.3, 1.3, 5001)
    made = np.unique(fake_quant_symmetric(w, tf.constant(1.0), bits=bits).numpy())
    assert len(made) == 2**bits - 1
    assert made.max() == pytest.approx(1) and made.min() == pytest.approx(-1)


def test_ranges_of_nothing_but_zero():
    assert scale_of(0.0, 0.0, bits=8).numpy() == scale_of(0.0, 0.0, bits=16).numpy() == 1
    w = fake_quant_symmetric(tf.constant([[0.0, 0.3]]), tf.constant([[0.0, 0.3]]), bits=8)
    np.testing.assert_allclose(w, [[0.0, 0.3]])


@pytest.mark.parametrize("bits", [8, 16])
def test_the_gradient_goes_straight_through_inside_and_stops_outside(bits):
    x = [-2.0, -0.9, 0.0, 0.31, 0.9, 2.0]
    (made, *_) = _gradients(
        lambda x: fake_quant(x, tf.constant(-1.0), tf.constant(1.0), bits=bits), x
    )
    np.testing.assert_array_equal(made, [0, 2, 3, 4, 5, 0])
    (made, _) = _gradients(lambda w, b: fake_quant_symmetric(w, b, bits=8), x, 1.0)
    np.testing.assert_array_equal(made, [0, 2, 3, 4, 5, 0])


def test_the_clipping_gradient_of_pact():
    """Each end gets what is clipped there: d x' / d high = 1 above, d x' / d low = 1 below."""
    x = [-2.0, -1.5, 0.3, 4.0, 5.0]
    _, low, high = _gradients(lambda x, low, high: fake_quant(x, low, high), x, -1.0, 3.0)
    assert low == 1 + 2 and high == 4 + 5


def test_the_clipping_gradient_is_that_of_finite_differences():
    """Of values far outside, which follow the bound exactly."""
    x = tf.constant([-9.0, -8.0, 7.0, 8.0, 9.0])
    share = tf.range(1.0, 6.0)

    def loss(low, high):
        return float(tf.reduce_sum(share * fake_quant(x, tf.constant(low), tf.constant(high))))

    # A step that keeps the zero point on a code, so that the range is not nudged.
    low, high, step = -1.28, 1.27, 0.0128
    widened = loss(low - step, high + step * 1.27 / 1.28)
    _, of_low, of_high = _gradients(
        lambda x, low, high: fake_quant(x, low, high), x.numpy(), low, high
    )
    want = -step * of_low + step * 1.27 / 1.28 * of_high
    assert widened - loss(low, high) == pytest.approx(want, rel=1e-3)


def test_the_gradients_of_lsq_for_weights():
    """Inside, round(v) - v codes; outside, the highest code; over the highest code."""
    w, bound = np.float32([-2.0, -0.6, 0.1, 0.34, 3.0]), np.float32(0.7)
    _, made = _gradients(lambda w, b: fake_quant_symmetric(w, b, bits=4), w, bound)
    codes = w / (bound / 7)
    share = np.where(np.abs(w) <= bound, np.rint(codes) - codes, 7 * np.sign(w)) / 7
    assert made == pytest.approx((share * np.arange(1, 6)).sum(), rel=1e-4)


def test_the_gradient_of_a_channel_is_its_own():
    w, bound = np.float32([[2.0, 0.1], [-2.0, 9.0]]), np.float32([[1.0, 3.0]])
    _, made = _gradients(lambda w, b: fake_quant_symmetric(w, b, bits=8), w, bound)
    assert made.shape == (1, 2) and made[0, 0] == pytest.approx(1 - 3)


def test_the_gradients_of_lsq_plus():
    """A wider range moves what is inside by round(u) - u codes; balanced by sqrt(255 n)."""
    x, low, high = np.float32([[-3.0, -0.5, 0.4], [0.7, 1.9, 5.0]]), -1.0, 2.0
    of_x, of_low, of_high = _gradients(fake_quant_learned, x, low, high)
    upstream = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    y = fake_quant(tf.constant(x), tf.constant(low), tf.constant(high)).numpy()
    below, above = x < low, x > high
    inside = ~(below | above)
    moved = (upstream * inside * (y - x) / (3 / 255) / 255).sum()
    balance = 255**2 / np.sqrt(255 * 3)
    np.testing.assert_array_equal(of_x, upstream * inside)
    assert of_low == pytest.approx(balance * ((upstream * below).sum() - moved), rel=1e-3)
    assert of_high == pytest.approx(balance * ((upstream * above).sum() + moved), rel=1e-3)


def test_biases_are_rounded_and_pass_gradients():
    b, scale = [0.07, -0.12], 0.05
    np.testing.assert_allclose(fake_quant_bias(tf.constant(b), scale), [0.05, -0.1], rtol=1e-6)
    (made,) = _gradients(lambda b: fake_quant_bias(b, scale), b)
    np.testing.assert_array_equal(made, [1, 2])


@QUICK
@given(
    bias=st.floats(2**-10, 1e6, width=32),
    scale=st.floats(2**-20, 1, width=32),
    bits=st.sampled_from([4, 8]),
)
def test_a_weight_bound_keeps_the_bias_within_int32(bias, scale, bits):
    highest = 2 ** (bits - 1) - 1
    floor = float(bias_floor(tf.constant([bias]), tf.constant(scale), bits=bits)[0])
    code = bias / (scale * floor / highest)
    assert code == pytest.approx(largest_bias(bits), rel=1e-4)
