"""Masks of padding arrive in training where they arrive in the float model."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops
from small_networks import shake
from training import export, outputs, run_file

import tflq
from tflq.qat import Unmasked
from tflq.qat._phase import quantization

LENGTH = 7


def _words(rows=24):
    rng = np.random.default_rng(0)
    words = rng.integers(1, 9, (rows, LENGTH)).astype("int32")
    for row, length in zip(words, rng.integers(2, LENGTH, rows), strict=True):
        row[length:] = 0
    return words


def _model(body):
    keras.utils.set_random_seed(1)
    given = keras.Input((LENGTH,), dtype="int32", name="given")
    x = layers.Embedding(9, 8, mask_zero=True, name="table")(given)
    model = shake(keras.Model(given, layers.Dense(3)(body(x))))
    model.get_layer("table").set_weights([np.random.default_rng(0).normal(size=(9, 8))])
    return model


def _attended_twice(x):
    attention = layers.MultiHeadAttention(2, 4)
    return layers.GlobalAveragePooling1D()(attention(attention(x, x), x))


def _block(x, dropout=0.0):
    y = layers.Add()([x, layers.MultiHeadAttention(2, 4, dropout=dropout)(x, x)])
    return layers.GlobalAveragePooling1D()(layers.LayerNormalization()(y))


def _read_before_and_after(x):
    """What a mean sees depends on whether attention has run."""
    early = layers.GlobalAveragePooling1D()(x)
    y = layers.MultiHeadAttention(2, 4)(x, x)
    deep = layers.Dense(8)(layers.Dense(8)(layers.GlobalAveragePooling1D()(y)))
    late = layers.Dense(8)(layers.Dense(8)(layers.Dense(8)(early)))
    return layers.Concatenate()([deep, late, layers.GlobalAveragePooling1D()(x)])


def _mean(*made):
    def body(x):
        for layer in made:
            x = layer(x)
        return layers.GlobalAveragePooling1D()(x)

    return body


BODIES = {
    "attention": lambda x: layers.MultiHeadAttention(2, 4)(x, x)[:, 0],
    "causal": lambda x: layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)[:, 0],
    "attended twice": _attended_twice,
    "block": _block,
    "block with dropout": lambda x: _block(x, dropout=0.2),
    "read before and after": _read_before_and_after,
    "additive": lambda x: layers.AdditiveAttention()([x, x])[:, 0],
    "grouped": lambda x: layers.GroupQueryAttention(4, 4, 2)(x, x)[:, 0],
    "dense": lambda x: _mean(layers.Dense(8, activation="relu"))(x),
    "bent dense": lambda x: _mean(layers.Dense(8, activation="silu"))(x),
    "recurrent": lambda x: layers.LSTM(8)(layers.Dense(8)(x)),
    "bidirectional": lambda x: layers.Bidirectional(layers.GRU(4))(x),
    "normalized": lambda x: _mean(layers.Dense(8), layers.BatchNormalization())(x),
    "only normalized": lambda x: _mean(layers.BatchNormalization())(x),
    "rescaled": lambda x: _mean(layers.Rescaling(2.0, offset=0.5))(x),
    "averaged": lambda x: _mean()(layers.Average()([x, layers.Dense(8)(x)])),
    "convolved": lambda x: _mean(layers.Conv1D(8, 3, padding="same"))(x),
    "given": lambda x: layers.LSTM(8)(x, mask=ops.abs(x[:, :, 0]) > 0.3),
}


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")
@pytest.mark.parametrize("name", BODIES)
def test_a_mask_arrives(name):
    model, words = _model(BODIES[name]), _words()
    (wanted,) = outputs(model, words)
    qat = tflq.quantize(model, data=words)
    with quantization(qat, on=False):
        np.testing.assert_allclose(outputs(qat, words)[0], wanted, atol=1e-5)
    noise = np.square(outputs(qat, words)[0] - wanted).sum()
    assert 10 * np.log10(np.square(wanted).sum() / noise) > 20


SAVED = ("attention", "block", "rescaled", "normalized")


@pytest.mark.parametrize("name", SAVED)
def test_a_mask_arrives_in_saved_models_and_their_files(name, tmp_path):
    words = _words()
    qat = tflq.quantize(_model(BODIES[name]), data=words)
    qat.save(tmp_path / "qat.keras")
    loaded = keras.models.load_model(tmp_path / "qat.keras")
    (wanted,) = outputs(qat, words)
    np.testing.assert_allclose(outputs(loaded, words)[0], wanted, atol=1e-5)
    _, content = export(loaded, tmp_path)
    ((made,), (scale,)) = run_file(content, words)
    assert np.abs(made - wanted).max() < 4 * scale


@pytest.mark.parametrize("skip", [[], ["*"]])
def test_nothing_is_said_of_masks_that_pass(skip):
    model = _model(BODIES["block"])
    rescaled = _model(BODIES["rescaled"])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*mask.*")
        for one in (model, rescaled):
            qat = tflq.quantize(one, data=_words(), skip=skip)
            qat.predict(_words(), verbose=0)


def test_a_mask_that_the_float_model_destroys_is_destroyed():
    with pytest.warns(UserWarning, match="conv1d.*destroy the mask"):
        model = _model(BODIES["convolved"])
    with pytest.warns(UserWarning, match="conv1d.*destroy the mask"):
        tflq.quantize(model)


def test_masked_rows_do_not_count_in_statistics_of_batches():
    model, words = _model(BODIES["normalized"]), _words()
    qat = tflq.quantize(model)
    with quantization(qat, on=False):
        wanted = np.asarray(model(words, training=True))
        np.testing.assert_allclose(qat(words, training=True), wanted, atol=1e-4)


def test_unmasked_gives_what_it_gets():
    x = layers.Masking()(np.ones((2, 3, 4), np.float32))
    assert x._keras_mask is not None
    bare = Unmasked()(x)
    np.testing.assert_array_equal(bare, x)
    assert getattr(bare, "_keras_mask", None) is None and x._keras_mask is not None
