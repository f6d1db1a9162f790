import keras
import numpy as np
import pytest
import tensorflow as tf
from training import span, value

from tflq.qat import FakeQuant

RNG = np.random.default_rng(0)


def _batch(low, high):
    """Values from low to high, both among them."""
    return tf.constant(np.linspace(low, high, 24, dtype=np.float32).reshape(4, 6))


def test_the_first_batch_counts_in_full_and_later_ones_by_the_momentum():
    layer = FakeQuant(momentum=0.75)
    layer(_batch(-1, 3), training=True)
    assert span(layer) == (-1, 3)
    layer(_batch(-3, 4), training=True)
    assert span(layer) == pytest.approx((-1.5, 3.25))


def test_ranges_hold_zero():
    for low, high, held in ((2, 5, (0, 5)), (-5, -2, (-5, 0))):
        layer = FakeQuant()
        layer(_batch(low, high), training=True)
        assert span(layer) == held


@pytest.mark.parametrize("training", [False, None])
def test_evaluation_leaves_the_range(training):
    layer = FakeQuant()
    layer(_batch(-1, 1), training=True)
    made = value(layer(_batch(-9, 9), training=training))
    assert span(layer) == (-1, 1) and np.abs(made).max() < 1.01


def test_a_frozen_range_stays():
    layer = FakeQuant()
    layer(_batch(-1, 1), training=True)
    layer.observing = False
    layer(_batch(-9, 9), training=True)
    assert span(layer) == (-1, 1)


def test_sites_share_the_widest_range_of_their_averages():
    layer = FakeQuant(sites=2, momentum=0.5)
    layer(_batch(-1, 1), site=0, training=True)
    layer(_batch(0, 8), site=1, training=True)
    assert span(layer) == (-1, 8)
    layer(_batch(0, 4), site=1, training=True)
    assert span(layer) == (-1, 6)
    np.testing.assert_array_equal(layer.low, [-1, 0])
    np.testing.assert_array_equal(layer.seen, [1, 1])


def test_what_only_has_to_fit_is_not_observed():
    layer = FakeQuant()
    layer(_batch(-1, 1), training=True)
    made = value(layer(_batch(-9, 9), site=None, training=True))
    assert span(layer) == (-1, 1) and np.abs(made).max() < 1.01


def test_a_fixed_range_has_no_variables():
    layer = FakeQuant(fixed=(0, 255 / 256))
    made = value(layer(_batch(-1, 2), training=True))
    assert layer.weights == [] and span(layer) == (0, 255 / 256)
    assert made.min() == 0 and made.max() == pytest.approx(255 / 256)
    np.testing.assert_allclose(made * 256, np.rint(made * 256), atol=1e-4)


def test_rectified_values_need_no_smallest():
    layer = FakeQuant(nonnegative=True)
    layer(_batch(0, 3), training=True)
    assert span(layer) == (0, 3)


def test_until_it_quantizes_it_only_observes():
    layer = FakeQuant(quantizing=False)
    x = tf.constant(RNG.normal(size=(4, 5)).astype(np.float32))
    np.testing.assert_array_equal(value(layer(x, training=True)), x)
    np.testing.assert_array_equal(value(layer(x, training=False)), x)
    assert span(layer) == pytest.approx((float(tf.reduce_min(x)), float(tf.reduce_max(x))))


def test_what_a_loss_reads_is_not_rounded_in_training():
    layer = FakeQuant(fixed=(0, 255 / 256), in_training=False)
    x = _batch(0.0, 0.999)
    np.testing.assert_array_equal(value(layer(x, training=True)), x)
    assert np.abs(value(layer(x, training=False)) - x.numpy()).max() > 1e-4


def test_16_bits():
    layer = FakeQuant(bits=16)
    x = _batch(-1, 2)
    made = value(layer(x, training=True))
    codes = made / (2 / 32767)
    np.testing.assert_allclose(codes, np.rint(codes), atol=2e-2)
    assert np.abs(made - x.numpy()).max() < 0.51 * 2 / 32767


@pytest.mark.parametrize("training", [True, False])
def test_the_dtype_of_the_input_is_kept(training):
    layer = FakeQuant()
    layer(_batch(-1, 1), training=True)
    made, codes = layer(tf.cast(_batch(-1, 1), tf.bfloat16), training=training)
    assert made.dtype == tf.bfloat16 and codes.dtype == tf.float32
    assert {v.dtype for v in layer.weights} == {"float32"}


def _trained(layer, batches, rate):
    """Gradient steps of the sum of squared quantization errors."""
    optimizer = keras.optimizers.SGD(rate)
    for x in batches:
        with tf.GradientTape() as tape:
            y, _ = layer(x, training=True)
            loss = tf.reduce_mean(tf.square(y - x)) + sum(layer.losses)
        held = layer.trainable_variables
        optimizer.apply(tape.gradient(loss, held), held)
    return layer


def test_lsq_narrows_a_range_that_is_too_wide():
    x = tf.constant(RNG.normal(size=(64, 64)).astype(np.float32))
    layer = FakeQuant(ranges="lsq")
    layer.build(x.shape)
    layer.set_range(-16.0, 16.0)
    before = np.square(value(layer(x)) - x.numpy()).mean()
    _trained(layer, [x] * 60, 20.0)
    low, high = span(layer)
    assert -12 < low < -2.5 and 2.5 < high < 12
    assert np.square(value(layer(x)) - x.numpy()).mean() < before / 2


def test_pact_learns_the_upper_end():
    x = np.abs(RNG.normal(size=(64, 64))).astype(np.float32)
    layer = _trained(FakeQuant(ranges="pact", nonnegative=True), [tf.constant(x)] * 5, 0.1)
    low, high = span(layer)
    assert low == 0 and 0 < high < x.max()
    assert any(np.asarray(loss) > 0 for loss in layer.losses)


@pytest.mark.parametrize("ranges", ["lsq", "pact"])
def test_learned_ranges_start_from_the_first_batch(ranges):
    layer = FakeQuant(ranges=ranges)
    layer(_batch(-1, 3), training=True)
    assert span(layer) == (-1, 3)


def test_set_range_counts_as_seen():
    layer = FakeQuant(sites=2, momentum=0.5)
    layer.build((None, 6))
    layer.set_range(-2.0, 2.0)
    assert span(layer) == (-2, 2)
    layer(_batch(-4, 4), site=0, training=True)
    np.testing.assert_array_equal(layer.high, [3, 2])


@pytest.mark.parametrize(
    "options",
    [
        {"bits": 16, "ranges": "lsq", "sites": 3},
        {"fixed": (0.0, 0.5), "in_training": False, "floating": True},
        {"observing": False, "quantizing": False, "nonnegative": True, "momentum": 0.9},
    ],
)
def test_config_round_trip(options):
    layer = FakeQuant(name="q", **options)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    for name, wanted in options.items():
        assert getattr(again, name) == wanted
