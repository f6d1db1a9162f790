import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from small_networks import noise, shake
from training import outputs

import tflq
from tflq.keras_side import build_model, read_graph
from tflq.qat import AttentionCore
from tflq.qat._attention import split_attention


def _model(call, *shapes, **options):
    keras.utils.set_random_seed(0)
    given = [keras.Input(shape, name=f"x{i}") for i, shape in enumerate(shapes)]
    attention = layers.MultiHeadAttention(2, 4, name="attention", **options)
    return shake(keras.Model(given, call(attention, *given)))


def _split(model):
    graph = read_graph(model)
    split_attention(graph)
    return [node.layer.kind for node in graph.nodes], build_model(graph)


PARTS = ["EinsumDense"] * 3 + ["AttentionCore", "EinsumDense"]
CALLS = {
    "self": (lambda mha, x: mha(x, x), [(6, 5)], {}),
    "causal": (lambda mha, x: mha(x, x, use_causal_mask=True), [(6, 5)], {}),
    "cross": (lambda mha, q, v: mha(q, v), [(6, 5), (3, 7)], {}),
    "three": (lambda mha, q, v, k: mha(q, v, k), [(6, 5), (3, 7), (3, 2)], {}),
    "by name": (lambda mha, q, v, k: mha(query=q, key=k, value=v), [(6, 5), (3, 7), (3, 2)], {}),
    "no bias": (lambda mha, x: mha(x, x), [(6, 5)], {"use_bias": False}),
    "value size": (lambda mha, x: mha(x, x), [(6, 5)], {"value_dim": 3, "output_shape": 9}),
    "shared": (lambda mha, x: mha(mha(x, x), x), [(6, 5)], {}),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_parts_compute_what_attention_did(name):
    call, shapes, options = CALLS[name]
    model = _model(call, *shapes, **options)
    kinds, made = _split(model)
    assert kinds == PARTS * (2 if name == "shared" else 1)
    assert [t.shape for t in made.outputs] == [t.shape for t in model.outputs]
    data = [noise(*shape, seed=i) for i, shape in enumerate(shapes)]
    np.testing.assert_allclose(outputs(made, data)[0], outputs(model, data)[0], atol=1e-5)


WHOLE = {
    "a mask": lambda mha, x, m: mha(x, x, attention_mask=m),
    "scores": lambda mha, x, m: mha(x, x, return_attention_scores=True)[1],
}


@pytest.mark.parametrize("name", WHOLE)
def test_attention_with_masks_or_scores_stays_whole(name):
    model = _model(WHOLE[name], (6, 5), (6, 6))
    kinds, made = _split(model)
    assert kinds.count("MultiHeadAttention") == 1 and "AttentionCore" not in kinds
    data = [noise(6, 5), np.tril(np.ones((16, 6, 6), np.float32))]
    np.testing.assert_allclose(outputs(made, data)[0], outputs(model, data)[0], atol=1e-5)


def test_axes_of_images_stay_whole():
    model = _model(lambda mha, x: mha(x, x), (3, 4, 5), attention_axes=(1, 2))
    assert _split(model)[0] == ["MultiHeadAttention"]


def test_what_follows_knows_the_length():
    model = _model(lambda mha, x: layers.Dense(2)(layers.Flatten()(mha(x, x))), (6, 5))
    qat = tflq.quantize(model)
    assert qat.outputs[0].shape == (None, 2)


def test_open_lengths_stay_open():
    model = _model(lambda mha, x: mha(x, x), (None, 5))
    _, made = _split(model)
    assert made.outputs[0].shape == (None, None, 5)
    for length in (3, 6):
        x = noise(length, 5)
        np.testing.assert_allclose(outputs(made, [x])[0], outputs(model, [x])[0], atol=1e-5)


def test_dropout_acts_in_training_only():
    core = AttentionCore(dropout=0.9)
    q = tf.constant(noise(4, 2, 3))
    again = np.asarray(core(q, q, q))
    np.testing.assert_array_equal(core(q, q, q, training=False), again)
    assert np.abs(core(q, q, q, training=True) - again).max() > 0.1
    config = keras.saving.serialize_keras_object(AttentionCore(dropout=0.2, causal=True))
    made = keras.saving.deserialize_keras_object(config)
    assert made.dropout == 0.2 and made.causal
