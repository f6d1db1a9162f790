import keras
import numpy as np
import pytest
from keras import layers
from small_networks import noise
from training import kernels, outputs, quantizers

import tflq
from tflq._errors import UserError


def _teacher(last="logits"):
    keras.utils.set_random_seed(0)
    given = keras.Input((6,), name="given")
    x = layers.Dense(16, activation="relu", name="hidden")(given)
    x = layers.Dense(4, name="logits")(x)
    return keras.Model(given, layers.Softmax(name="p")(x) if last == "softmax" else x)


X = noise(6, rows=64)


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _divergence(teacher, student, temperature=1.0):
    t, s = (outputs(m, X)[0].astype(np.float64) for m in (teacher, student))
    if np.allclose(t.sum(-1), 1):
        t, s = (np.log(v + 1e-7) for v in (t, s))
    t, s = (_softmax(v / temperature) for v in (t, s))
    return float((t * np.log(t / s)).sum(-1).mean()) * temperature**2


def _disturbed(teacher, **options):
    """A quantized copy that has forgotten some of what it knew."""
    qat = tflq.quantize(teacher, data=X, **options)
    rng = np.random.default_rng(0)
    for kernel in kernels(qat):
        weights = kernel.layer.kernel
        weights.assign(weights + rng.normal(0, 0.3, weights.shape))
    return qat


@pytest.mark.parametrize("last", ["logits", "softmax"])
def test_it_pulls_the_student_to_its_teacher_without_labels(last):
    teacher = _teacher(last)
    held = [np.array(w) for w in teacher.get_weights()]
    qat = _disturbed(teacher)
    before = _divergence(teacher, qat)
    student = tflq.distill(qat, teacher, weight=1.0)
    student.compile(keras.optimizers.Adam(1e-2))
    student.fit(X, np.zeros(64), epochs=15, batch_size=16, verbose=0)
    assert _divergence(teacher, qat) < before / 3
    for one, other in zip(held, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def _loss(weight, temperature, labels):
    teacher = _teacher()
    qat = tflq.quantize(teacher, scheme="w8a16", data=X)
    kernels(qat)[0].layer.kernel.assign(0.5 * kernels(qat)[0].layer.kernel)
    student = tflq.distill(qat, teacher, temperature=temperature, weight=weight)
    student.compile(keras.optimizers.SGD(0.0), "mse")
    history = student.fit(X, labels, batch_size=64, verbose=0)
    return history.history["loss"][0], teacher, qat


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_loss_is_the_written_one(temperature):
    labels = noise(4, rows=64, seed=5)
    loss, teacher, qat = _loss(0.3, temperature, labels)
    own = np.square(outputs(qat, X)[0] - labels).mean()
    apart = _divergence(teacher, qat, temperature)
    assert loss == pytest.approx(0.7 * own + 0.3 * apart, rel=1e-3)


def test_the_weight_of_labels_alone():
    labels = noise(4, rows=64, seed=5)
    loss, _, qat = _loss(0.0, 2.0, labels)
    assert loss == pytest.approx(np.square(outputs(qat, X)[0] - labels).mean(), rel=1e-3)


def test_the_student_alone_is_trained_and_exported(tmp_path):
    teacher = _teacher()
    qat = tflq.quantize(teacher)
    student = tflq.distill(qat, teacher)
    student.compile("sgd", "mse")
    assert {id(v) for v in student.trainable_variables} == {id(v) for v in qat.trainable_variables}
    student.fit(X, np.zeros((64, 4)), verbose=0, callbacks=[tflq.QATSchedule()])
    assert all(np.all(q.seen) for q in quantizers(qat) if q.fixed is None)
    assert tflq.export(qat, tmp_path / "m.tflite").calibration_samples == 0
    np.testing.assert_array_equal(outputs(student, X)[0], outputs(qat, X)[0])


REFUSED = {
    "not quantized": (lambda t: (t, t), {}, "not quantized"),
    "temperature": (lambda t: (tflq.quantize(t), t), {"temperature": 0}, "temperature=0"),
    "weight": (lambda t: (tflq.quantize(t), t), {"weight": 1.5}, "weight=1.5"),
    "shapes": (
        lambda t: (tflq.quantize(t), keras.Model(t.input, t.get_layer("hidden").output)),
        {},
        "teacher's outputs",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    make, options, words = REFUSED[name]
    with pytest.raises(UserError, match=words):
        tflq.distill(*make(_teacher()), **options)
