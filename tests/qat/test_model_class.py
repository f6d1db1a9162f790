"""A model's own class, and its own way to train."""

import keras
import numpy as np
import pytest
import tf_keras
from keras import layers
from small_networks import noise
from training import export, outputs

import tflq

X = noise(5)


@keras.saving.register_keras_serializable("tests")
class Doubled(keras.Model):
    """Made of inputs and outputs; its loss is twice the compiled one."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return 2.0 * super().compute_loss(x, y, y_pred, sample_weight, training)

    def test_step(self, data):
        return {"mine": keras.ops.sum(self(data[0], training=False)) * 0 + 7.0}


class Sized(keras.Model):
    """Makes its own network, with a training step of its own or without."""

    def __init__(self, units):
        given = keras.Input((5,), name="given")
        super().__init__(given, layers.Dense(units)(given))


class SizedAndTrained(Sized):
    def train_step(self, data):
        return super().train_step(data)


class Stacked(keras.Sequential):
    def train_step(self, data):
        return super().train_step(data)


class Legacy(tf_keras.Model):
    def train_step(self, data):
        return super().train_step(data)


def _parts():
    keras.utils.set_random_seed(0)
    given = keras.Input((5,), name="given")
    return given, layers.Dense(3)(layers.Dense(4, activation="relu")(given))


def _evaluated(model):
    model.compile("sgd", "mse")
    losses = model.fit(X, X[:, :3], verbose=0, shuffle=False, batch_size=16).history["loss"]
    return losses[0], model.evaluate(X, X[:, :3], verbose=0, return_dict=True)


@pytest.mark.parametrize("equalize", [False, True])
def test_a_class_made_of_inputs_and_outputs_is_kept(equalize, tmp_path):
    model = Doubled(*_parts(), name="doubled")
    qat = tflq.quantize(model, data=X, equalize=equalize)
    assert type(qat) is Doubled and qat.name == "doubled"
    plain, _ = _evaluated(tflq.quantize(keras.Model(*_parts()), data=X, equalize=equalize))
    loss, tested = _evaluated(qat)
    assert loss == pytest.approx(2 * plain, rel=1e-4)
    assert tested == {"mine": 7.0}
    qat.save(tmp_path / "qat.keras")
    loaded = keras.models.load_model(tmp_path / "qat.keras")
    assert type(loaded) is Doubled
    np.testing.assert_allclose(outputs(loaded, X)[0], outputs(qat, X)[0], atol=1e-6)
    report, _ = export(loaded, tmp_path)
    assert not report.facts.float_ops


def test_a_class_that_only_builds_becomes_a_plain_model():
    qat = tflq.quantize(Sized(3))
    assert not isinstance(qat, Sized)
    assert qat.output_shape == (None, 3)


def _legacy():
    given = tf_keras.Input((5,))
    return Legacy(given, tf_keras.layers.Dense(2)(given))


REFUSED = {
    "other arguments": lambda: SizedAndTrained(3),
    "Sequential": lambda: Stacked([keras.Input((5,)), layers.Dense(2)]),
    "tf_keras": _legacy,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_way_to_train_that_cannot_be_kept_is_refused(name):
    model = REFUSED[name]()
    with pytest.raises(tflq.UserError, match=f"is a {type(model).__name__} .*train_step"):
        tflq.quantize(model)


class Trainer(keras.Model):
    """Holds a network, and calls it."""

    def __init__(self, network):
        super().__init__(name="trainer")
        self.network = network

    def call(self, x, training=None):
        return self.network(x, training=training)


def test_of_a_wrapper_the_network_inside_is_to_be_exported(tmp_path):
    trainer = Trainer(tflq.quantize(keras.Model(*_parts()), data=X))
    trainer.compile("sgd", "mse")
    trainer.fit(X, X[:, :3], verbose=0)
    with pytest.raises(
        tflq.UserError, match=r"a Trainer around .*tflq.export\(model.network, path"
    ):
        tflq.export(trainer, tmp_path / "q.tflite")
    student = tflq.distill(trainer.network, keras.Model(*_parts()))
    with pytest.raises(tflq.UserError, match=r"tflq.export\(model.student, path"):
        tflq.export(student, tmp_path / "q.tflite")
    report, _ = export(trainer.network, tmp_path)
    assert not report.facts.float_ops
