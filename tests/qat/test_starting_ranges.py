import keras
import numpy as np
import pytest
from keras import layers
from small_networks import LAYERS, data_for, noise
from training import outputs, quantizer, quantizers, span

import tflq
from tflq._errors import UserError
from tflq.ranges._registry import _CALIBRATORS


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    given = keras.Input((8, 8, 3), name="given")
    x = layers.Conv2D(4, 3, name="first")(given)
    x = layers.Conv2D(4, 3, activation="relu", name="second")(x)
    x = layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="mean")(x))
    return keras.Model(given, layers.Softmax(name="probabilities")(x))


def _seen(model, name, data):
    value = outputs(keras.Model(model.input, model.get_layer(name).output), data)[0]
    return min(value.min(), 0), max(value.max(), 0)


def test_extremes_of_the_data(model):
    data = noise(8, 8, 3)
    qat = tflq.quantize(model, data=data, calibrator="minmax")
    for name in ("first", "second", "mean", "logits"):
        assert span(quantizer(qat, name)) == pytest.approx(_seen(model, name, data), rel=1e-5)
    assert span(quantizer(qat, "given")) == (data.min(), data.max())


def test_without_data_nothing_is_seen(model):
    assert all(not np.any(q.seen) for q in quantizers(tflq.quantize(model)) if q.fixed is None)


@pytest.fixture
def half(monkeypatch):
    """A calibrator that halves ranges."""

    def halved(histogram, *, bits):
        return histogram.minimum / 2, histogram.maximum / 2

    monkeypatch.setitem(_CALIBRATORS, "half", halved)


def test_other_calibrators_clip_inside_but_not_at_doors(model, half):
    data = noise(8, 8, 3)
    qat = tflq.quantize(model, data=data, calibrator="half")
    for name, share in {"first": 0.5, "second": 0.5, "mean": 0.5, "logits": 1, "given": 1}.items():
        wanted = np.multiply(share, _seen(model, name, data))
        assert span(quantizer(qat, name)) == pytest.approx(tuple(wanted), rel=1e-5), name


def test_the_model_predicts_as_before(model):
    data = noise(8, 8, 3)
    want, came = outputs(model, data)[0], outputs(tflq.quantize(model, data=data), data)[0]
    assert np.abs(want - came).max() < 0.03


@pytest.mark.parametrize("name", ["several", "listed", "shared", "Embedding", "LSTM"])
def test_models_of_every_form(name):
    made = LAYERS[name]()
    data = data_for(made)
    qat = tflq.quantize(made, data=data, calibrator="minmax")
    for layer in quantizers(qat):
        assert layer.fixed is not None or np.all(layer.seen)
        assert span(layer)[1] > span(layer)[0]
    for one, other in zip(outputs(made, data), outputs(qat, data), strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.98


def test_starting_ranges_make_an_exportable_model(model, tmp_path):
    qat = tflq.quantize(model, data=noise(8, 8, 3))
    assert tflq.export(qat, tmp_path / "m.tflite").calibration_samples == 0


def test_quantization_is_on_again_afterwards(model):
    qat = tflq.quantize(model, data=noise(8, 8, 3))
    assert all(layer.quantizing for layer in quantizers(qat))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"calibrator": "best"}, "calibrator"),
        ({"data": np.ones((4, 7, 7, 3), np.float32)}, "shape"),
        ({"data": np.full((4, 8, 8, 3), np.nan, np.float32)}, "NaN|finite"),
    ],
)
def test_refusals(model, options, words):
    with pytest.raises(UserError, match=words):
        tflq.quantize(model, **({"data": noise(8, 8, 3)} | options))
