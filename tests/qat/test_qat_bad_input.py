"""Every mistake is a UserError that says what came, what was expected and what to do."""

import shutil

import keras
import numpy as np
import pytest
from keras import layers
from networks import Subclassed, subclassed
from small_networks import noise
from training import fit

import tflq
from tflq._errors import UserError


class Unknown(layers.Layer):
    """Of the user's own; it has weights."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], 2))

    def call(self, x):
        return keras.ops.matmul(x, self.kernel)


class Inner(keras.Model):
    """A subclassed model inside a functional one."""

    def __init__(self):
        super().__init__(name="inner")
        self.dense = layers.Dense(3, name="hidden")

    def call(self, x):
        return self.dense(x)


def _functional(*stack):
    x = given = keras.Input((4,), name="given")
    for layer in stack:
        x = layer(x)
    return keras.Model(given, x, name="made")


def _dense():
    return _functional(layers.Dense(3, name="first"), layers.Dense(2, name="second"))


BAD_MODELS = {
    "no model": (lambda: "model.keras", ["str", "functional or Sequential"]),
    "nothing": (lambda: None, ["NoneType"]),
    "a layer": (lambda: layers.Dense(2), ["Dense", "functional"]),
    "subclassed": (
        lambda: subclassed()[0],
        ["Subclassed", "conv, head", "functional API", "data="],
    ),
    "subclassed, not built": (lambda: Subclassed(), ["Subclassed", "functional API"]),
    "subclassed inside": (
        lambda: _functional(Inner(), layers.Dense(2)),
        ["'inner'", "Inner", "hidden", "functional API"],
    ),
    "Sequential, not built": (
        lambda: keras.Sequential([layers.Dense(2)], name="open"),
        ["'open'", "has not been built", "keras.Input"],
    ),
    "unknown layer": (
        lambda: _functional(Unknown(name="theirs"), layers.Dense(2)),
        ["'theirs'", "Unknown", "tflq.register_layer(Unknown", "skip=['theirs']"],
    ),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_models(name):
    build, words = BAD_MODELS[name]
    with pytest.raises(UserError) as caught:
        tflq.quantize(build())
    for word in words:
        assert word in str(caught.value), (word, str(caught.value))


def test_both_ways_out_of_an_unknown_layer(monkeypatch, tmp_path):
    from tflq.qat import _rules

    x = noise(4)
    kept = tflq.quantize(_functional(Unknown(name="theirs"), layers.Dense(2)), skip=["theirs"])
    fit(kept, x)
    report = tflq.export(kept, tmp_path / "kept.tflite")
    assert len(report.facts.float_ops) == 1
    monkeypatch.setattr(_rules, "_REGISTERED", dict(_rules._REGISTERED))
    tflq.register_layer(Unknown, weights={"kernel": -1})
    known = tflq.quantize(_functional(Unknown(name="theirs"), layers.Dense(2)))
    fit(known, x)
    report = tflq.export(known, tmp_path / "known.tflite")
    assert report.facts.float_ops == ()


@pytest.mark.parametrize("trained", [True, False])
def test_quantizing_twice(trained):
    qat = tflq.quantize(_dense())
    if trained:
        fit(qat, noise(4))
    with pytest.raises(UserError, match="quantized already; train it as it is"):
        tflq.quantize(qat)


BAD_OPTIONS = {
    "scheme": ({"scheme": "int8"}, ["'int8'", "w8a8", "w4a8"]),
    "scheme without activations": ({"scheme": "dynamic"}, ["'dynamic'", "float", "w8a8"]),
    "scheme of a layer": ({"scheme_for": {"first": "w3"}}, ["'w3'"]),
    "scheme of a layer without activations": (
        {"scheme_for": {"first": "w8"}},
        ["scheme_for", "'w8'", "float"],
    ),
    "scheme of no layer": ({"scheme_for": {"third": "w4a8"}}, ["scheme_for", "'third'", "first"]),
    "skip": ({"skip": ["thirs*"]}, ["skip", "'thirs*'", "first"]),
    "skip as a name": ({"skip": "third"}, ["skip", "'third'", "first"]),
    "ranges": ({"ranges": "best"}, ["'best'", "moving_average, lsq, pact"]),
    "calibrator": ({"data": np.ones((4, 4), "float32"), "calibrator": "best"}, ["best", "mse"]),
    "data": ({"data": np.ones((4, 5), "float32")}, ["(4"]),
    "no samples": ({"data": []}, ["data"]),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_options(name):
    options, words = BAD_OPTIONS[name]
    with pytest.raises(UserError) as caught:
        tflq.quantize(_dense(), **options)
    for word in words:
        assert word in str(caught.value), (word, str(caught.value))


def test_exporting_before_any_range_was_seen(tmp_path):
    with pytest.raises(UserError, match=r"'given_quant'.*fit the model first"):
        tflq.export(tflq.quantize(_dense()), tmp_path / "m.tflite")
    assert not list(tmp_path.iterdir())


def test_exporting_ranges_of_nan(tmp_path):
    qat = tflq.quantize(_dense())
    x = noise(4)
    x[0] = np.nan
    fit(qat, x)
    with pytest.raises(UserError, match=r"diverged.*'given_quant'.*NaN"):
        tflq.export(qat, tmp_path / "m.tflite")


@pytest.fixture
def saved(tmp_path):
    qat = tflq.quantize(_dense(), data=noise(4))
    qat.save(tmp_path / "qat.keras")
    return tmp_path / "qat.keras"


def test_a_damaged_file(saved, tmp_path):
    content = saved.read_bytes()
    (tmp_path / "half.keras").write_bytes(content[: len(content) // 2])
    (tmp_path / "no.keras").write_bytes(b"PK and then nothing")
    for name in ("half.keras", "no.keras"):
        with pytest.raises(UserError, match=name):
            tflq.export(tmp_path / name, tmp_path / "m.tflite")
    shutil.copy(saved, tmp_path / "whole.keras")
    tflq.export(tmp_path / "whole.keras", tmp_path / "m.tflite")


def test_a_file_of_a_later_version(saved, monkeypatch, tmp_path):
    from tflq.qat import _base

    monkeypatch.setattr(_base, "_FORMAT", 99)
    tflq.quantize(_dense(), data=noise(4)).save(tmp_path / "later.keras")
    monkeypatch.undo()
    with pytest.raises(Exception, match="newer tflq") as caught:
        keras.models.load_model(tmp_path / "later.keras")
    assert "99" in str(caught.value)
    with pytest.raises(UserError, match="newer tflq"):
        tflq.export(tmp_path / "later.keras", tmp_path / "m.tflite")


def test_a_scheme_that_is_not_registered(monkeypatch, tmp_path):
    import dataclasses

    from tflq import scheme

    monkeypatch.setattr(scheme, "_SCHEMES", dict(scheme._SCHEMES))
    w6a8 = dataclasses.replace(scheme.get_scheme("w8a8"), name="w6a8", weight_bits=6)
    tflq.register_scheme(w6a8)
    x = given = keras.Input((8, 8, 3))
    for _ in range(2):
        x = layers.Conv2D(3, 3)(x)
    qat = tflq.quantize(keras.Model(given, x), scheme="w6a8", data=noise(8, 8, 3))
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"6-bit.*not registered"):
        tflq.export(qat, tmp_path / "m.tflite")


def test_models_of_only_moved_values_have_nothing_to_train():
    """They are quantized all the same."""
    qat = tflq.quantize(_functional(layers.Reshape((2, 2)), layers.Flatten()))
    assert [type(layer).__name__ for layer in qat.layers].count("FakeQuant") == 1


def test_the_given_model_is_left_alone_when_it_is_refused():
    model = _functional(Unknown(name="theirs"), layers.Dense(2))
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(UserError):
        tflq.quantize(model)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
