import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from small_networks import noise, shake
from training import kernels, quantizers, span

import tflq
from tflq._errors import UserError
from tflq.qat import Phase


class _Phases(keras.callbacks.Callback):
    """The phase of every step."""

    def __init__(self, schedule):
        super().__init__()
        self._schedule, self.seen = schedule, []

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(self._schedule.phase)


def _model():
    keras.utils.set_random_seed(0)
    given = keras.Input((6, 6, 2), name="given")
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(3, 3, name="conv")(given))
    x = layers.GlobalAveragePooling2D()(layers.ReLU(name="relu")(x))
    return shake(keras.Model(given, layers.Dense(2, name="last")(x)))


X, Y = noise(6, 6, 2, rows=20), noise(2, rows=20)


def _fit(qat, schedule, *, epochs=5, initial_epoch=0, rate=1e-3, x=X):
    """4 steps an epoch; the phases."""
    if not qat.compiled:
        qat.compile(keras.optimizers.SGD(rate), "mse")
    phases = _Phases(schedule)
    qat.fit(
        x,
        Y,
        batch_size=5,
        shuffle=False,
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=[schedule, phases],
        verbose=0,
    )
    return phases.seen


def _steps(phases, name):
    return [getattr(phase, name) for phase in phases]


def test_the_default_phases():
    """Of 20 steps: 1 only observes, normalizations freeze at 12, ranges at 16."""
    qat = tflq.quantize(_model())
    phases = _fit(qat, tflq.QATSchedule())
    assert _steps(phases, "quantizing") == [False] + [True] * 19
    assert _steps(phases, "normalizing") == [True] * 12 + [False] * 8
    assert _steps(phases, "observing") == [True] * 16 + [False] * 4


def test_known_ranges_quantize_at_once():
    phases = _fit(tflq.quantize(_model(), data=X), tflq.QATSchedule(), epochs=1)
    assert all(_steps(phases, "quantizing"))


def test_phases_are_those_asked_for():
    schedule = tflq.QATSchedule(quantize_at=3, freeze_norms_at=5, freeze_ranges_at=7)
    phases = _fit(tflq.quantize(_model()), schedule, epochs=2)
    assert _steps(phases, "quantizing").index(True) == 3
    assert _steps(phases, "normalizing").index(False) == 5
    assert _steps(phases, "observing").index(False) == 7


def test_every_layer_is_in_the_phase():
    qat = tflq.quantize(_model())
    _fit(qat, tflq.QATSchedule())
    assert all(q.quantizing and not q.observing for q in quantizers(qat))
    assert all(k.quantizing and k.frozen for k in kernels(qat))


def test_frozen_ranges_and_statistics_stay():
    qat = tflq.quantize(_model(), data=X)
    before = [span(q) for q in quantizers(qat)]
    norm = next(k.normalization for k in kernels(qat) if k.normalization is not None)
    mean = np.array(norm.moving_mean)
    _fit(qat, tflq.QATSchedule(freeze_norms_at=0, freeze_ranges_at=0), x=3 * X)
    assert [span(q) for q in quantizers(qat)] == before
    np.testing.assert_array_equal(norm.moving_mean, mean)


def test_before_quantizing_it_trains_as_the_float_model_does():
    model = _model()
    qat = tflq.quantize(model)
    schedule = tflq.QATSchedule(quantize_at=100, freeze_norms_at=100, freeze_ranges_at=100)
    model.compile(keras.optimizers.SGD(1e-2), "mse")
    model.fit(X, Y, batch_size=5, shuffle=False, epochs=2, verbose=0)
    _fit(qat, schedule, epochs=2, rate=1e-2)
    held = {"/".join(v.path.split("/")[-2:]): np.asarray(v) for v in qat.variables}
    for variable in model.variables:
        name = "/".join(variable.path.split("/")[-2:])
        np.testing.assert_allclose(held[name], variable, atol=1e-4, err_msg=name)
    assert all(q.quantizing for q in quantizers(qat)), "a training that ended is quantized"


def test_a_resumed_training_goes_on_where_it_was(tmp_path):
    whole = _fit(tflq.quantize(_model()), tflq.QATSchedule())
    qat = tflq.quantize(_model())
    first = _fit(qat, tflq.QATSchedule(steps=20), epochs=2)
    qat.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras")
    rest = _fit(again, tflq.QATSchedule(), epochs=5, initial_epoch=2)
    assert len(rest) == 12 and first[:8] == whole[:8]
    assert _steps(rest, "normalizing") == _steps(whole[8:], "normalizing")
    assert _steps(rest, "observing") == _steps(whole[8:], "observing")


def test_datasets_of_unknown_length():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(5).filter(lambda x, y: True)
    qat = tflq.quantize(_model())
    qat.compile("sgd", "mse")
    with pytest.raises(UserError, match="steps="):
        qat.fit(data, epochs=1, callbacks=[tflq.QATSchedule()], verbose=0)
    schedule = tflq.QATSchedule(steps=8)
    qat.fit(data, epochs=2, callbacks=[schedule], verbose=0)
    assert schedule.phase == Phase(quantizing=True, observing=False, normalizing=False)


def test_a_training_that_diverges_names_the_first_quantizer():
    qat = tflq.quantize(_model())
    x = X.copy()
    x[7] = np.nan
    with pytest.raises(UserError, match=r"diverged.*'given_quant'") as caught:
        _fit(qat, tflq.QATSchedule(), x=x)
    assert "lower learning rate" in str(caught.value)


def test_a_training_that_diverges_by_its_weights_names_them():
    qat = tflq.quantize(_model(), data=X)
    with pytest.raises(UserError, match="diverged"):
        _fit(qat, tflq.QATSchedule(), rate=1e30, epochs=10)


@pytest.mark.parametrize("name", ["quantize_at", "freeze_norms_at", "freeze_ranges_at", "steps"])
def test_negative_steps_are_refused(name):
    with pytest.raises(UserError, match=name):
        tflq.QATSchedule(**{name: -1})


def test_models_that_are_not_quantized_are_refused():
    model = _model()
    with pytest.raises(UserError, match=r"not quantized; make it with tflq.quantize"):
        _fit(model, tflq.QATSchedule())
