import keras
import numpy as np
import pytest
from keras import ops

from tflq import ConversionError
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


def test_nan_fails():
    model = _iterated(1)
    with pytest.raises(ConversionError, match="differs by nan"):
        conversion_error(model, {"x": np.full((1, 8), np.nan, np.float32)}, fake_quantized=False)
