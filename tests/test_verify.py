from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

from tflq import ConversionError, UserError
from tflq._verify import conversion_error
from tflq.keras_side import from_keras


def _iterated(times):
    """A function whose every step doubles a difference, on average."""
    x = given = keras.Input((8,), name="x")
    for _ in range(times):
        x = 1.0 - 2.0 * ops.square(ops.tanh(1.4 * x))
    return from_keras(keras.Model(given, x))


def _sample():
    return {"x": np.random.default_rng(0).uniform(-0.9, 0.9, (1, 8)).astype(np.float32)}


def test_rounding_alone_does_not_fail_a_chaotic_network():
    error = conversion_error(_iterated(60), _sample(), fake_quantized=False)
    assert error > 0.01, "not chaotic enough to tell"


def test_a_wrong_file_fails():
    model, other = _iterated(2), _iterated(3)
    object.__setattr__(model, "tflite", other.tflite)
    with pytest.raises(ConversionError, match="differs by"):
        conversion_error(model, _sample(), fake_quantized=False)


def test_what_gives_only_nan_cannot_be_checked():
    model = _iterated(1)
    with pytest.raises(UserError, match="nothing but NaN as output") as caught:
        conversion_error(model, {"x": np.full((1, 8), np.nan, np.float32)}, fake_quantized=False)
    assert not isinstance(caught.value, ConversionError)


def test_nan_and_infinity_on_both_sides_agree_and_on_one_do_not():
    given = keras.Input((8,), name="x")
    model = from_keras(keras.Model(given, ops.log(given)))
    sample = {"x": np.array([[-1.0, 0.0, 1, 2, 3, 4, 5, 6]], np.float32)}
    assert conversion_error(model, sample, fake_quantized=False) < 1e-5
    wrong = replace(model, reference=lambda sample: [np.log(np.maximum(sample["x"], 1e-3))])
    with pytest.raises(ConversionError, match="differs by"):
        conversion_error(wrong, sample, fake_quantized=False)
