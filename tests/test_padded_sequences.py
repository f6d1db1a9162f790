"""Texts with padding: exported without data, and where padding leaves layers without values."""

import keras
import numpy as np
import pytest
from keras import layers

import tflq
from tflq.tflite_side import Runner

LENGTH, WORDS = 8, 30


def _texts(rows=80):
    """All of them end in padding."""
    rng = np.random.default_rng(0)
    texts = rng.integers(1, WORDS, (rows, LENGTH)).astype("int32")
    texts[:, LENGTH - 3 :] = 0
    return texts


def _embedded(ids, words=WORDS, name="words"):
    return layers.Embedding(words, 16, mask_zero=True, name=name)(ids)


def _filled(model):
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.Embedding):
            layer.set_weights([rng.normal(size=layer.get_weights()[0].shape)])
    return model


def _sqnr(model, path, feeds):
    wanted = model.predict(_given(feeds), verbose=0)
    runner = Runner(path.read_bytes())
    made = []
    for row in range(len(wanted)):
        sample = {spec.name: feeds[spec.name][row : row + 1] for spec in runner.inputs}
        made.append(runner.run(sample)[0])
    noise = np.square(wanted - np.concatenate(made)).sum()
    return 10 * np.log10(np.square(wanted).sum() / max(noise, 1e-12))


def _given(feeds):
    return feeds if len(feeds) > 1 else feeds["ids"]


def _mean():
    keras.utils.set_random_seed(0)
    ids = keras.Input((LENGTH,), dtype="int32", name="ids")
    x = layers.GlobalAveragePooling1D()(_embedded(ids))
    return _filled(keras.Model(ids, layers.Dense(3)(x)))


def _segments():
    """The second table has rows for less than the first one's words."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((LENGTH,), dtype="int32", name="ids")
    kinds = keras.Input((LENGTH,), dtype="int32", name="kinds")
    x = layers.Add()([_embedded(ids), _embedded(kinds, words=2, name="kind")])
    x = layers.GlobalAveragePooling1D()(x)
    return _filled(keras.Model([ids, kinds], layers.Dense(3)(x)))


@pytest.mark.parametrize("build", [_mean, _segments])
def test_without_data_words_are_made_up(build, tmp_path):
    model, texts = build(), _texts()
    feeds = {"ids": texts, "kinds": np.minimum(texts, 1)}
    feeds = {tensor.name: feeds[tensor.name] for tensor in model.inputs}
    qat = tflq.quantize(model, data=_given(feeds))
    report = tflq.export(qat, tmp_path / "q.tflite")
    assert report.conversion_error < 1e-3
    assert _sqnr(qat, tmp_path / "q.tflite", feeds) > 30


def _cell(layer, **options):
    return layer(8, unroll=True, **options)


RECURRENT = {
    "bidirectional": lambda x: layers.Bidirectional(_cell(layers.LSTM))(x),
    "backwards": lambda x: _cell(layers.GRU, go_backwards=True)(x),
    "stacked": lambda x: _cell(layers.LSTM)(_cell(layers.LSTM, return_sequences=True)(x)),
}


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
@pytest.mark.parametrize("name", RECURRENT)
def test_states_that_are_always_zero_stop_nothing(name, scheme, tmp_path):
    keras.utils.set_random_seed(0)
    ids, texts = keras.Input((LENGTH,), dtype="int32", name="ids"), _texts()
    model = _filled(keras.Model(ids, layers.Dense(3)(RECURRENT[name](_embedded(ids)))))
    path = tmp_path / "q.tflite"
    tflq.export(model, path, data=texts, scheme=scheme)
    assert _sqnr(model, path, {"ids": texts}) > 20
