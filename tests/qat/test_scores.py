"""Masked scores of attention keep their resolution in training and in the file."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tflq
from tflq.tflite_side import Runner

ROWS, WIDTH = 10, 8
LATER = np.triu(np.ones((1, ROWS, ROWS), "float32"), 1)


def _data():
    x = np.random.default_rng(0).normal(size=(60, ROWS, WIDTH)).astype("float32")
    # Far from 0, so that codes and floats see the same positions; the first is always seen.
    x[..., 0] = np.where(x[..., 0] > 0, 1.0, -1.0)
    x[:, 0, 0] = 1.0
    return x


def _kept(x):
    return ops.cast(x[:, None, :, 0] > 0, "float32")


MASKS = {
    "none": lambda s, x: layers.Softmax()(s),
    "stored": lambda s, x: layers.Softmax()(s + LATER * -1e9),
    "computed": lambda s, x: layers.Softmax()(layers.Add()([s, (1 - _kept(x)) * -1e9])),
    "subtracted": lambda s, x: layers.Softmax()(layers.Subtract()([s, (1 - _kept(x)) * 100.0])),
    "selected": lambda s, x: layers.Softmax()(ops.where(LATER > 0, -1e9, s)),
    "of the layer": lambda s, x: layers.Softmax()(s, mask=LATER < 1),
    "an operation's": lambda s, x: ops.softmax(s + LATER * -1e9),
    "an activation's": lambda s, x: layers.Activation("softmax")(s + LATER * -1e9),
}


def _network(mask):
    keras.utils.set_random_seed(1)
    x = keras.Input((ROWS, WIDTH), name="x")
    query, key, value = (layers.Dense(WIDTH, name=name)(x) for name in ("query", "key", "value"))
    weights = mask(layers.Dot(2, name="scores")([query, key]), x)
    return keras.Model(x, layers.Dense(4, name="head")(layers.Dot((2, 1))([weights, value])))


def _sqnr_db(wanted, came):
    return 10 * np.log10(np.sum(wanted**2) / np.sum((wanted - came) ** 2))


@pytest.mark.parametrize("mask", MASKS)
def test_masked_scores_keep_their_resolution(mask, tmp_path):
    model, data, path = _network(MASKS[mask]), _data(), tmp_path / "m.tflite"
    trained = tflq.quantize(model, data=data)
    wanted, predicted = (m.predict(data, verbose=0) for m in (model, trained))
    assert _sqnr_db(wanted, predicted) > 20
    tflq.export(trained, path)
    runner = Runner(path.read_bytes())
    came = np.concatenate([runner.run({"x": x[None]})[0] for x in data])
    assert _sqnr_db(predicted, came) > 25


@pytest.mark.parametrize("mask", ["stored", "of the layer"])
def test_training_starts_with_such_ranges_too(mask):
    model, data = _network(MASKS[mask]), _data()
    trained = tflq.quantize(model)
    trained.compile("sgd", "mse")
    trained.fit(data, model.predict(data, verbose=0), batch_size=len(data), verbose=0)
    (scores,) = [layer for layer in trained.layers if getattr(layer, "told", None) in _SCORES]
    low, high = map(float, scores.range())
    assert -60 < low < -5 and high < 40
    again = type(scores).from_config(scores.get_config())
    assert again.told == scores.told


_SCORES = ("scores", "masked")
