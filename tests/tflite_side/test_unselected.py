"""Exponentials whose value is not selected where they are large."""

import builders
import numpy as np
import pytest
import tensorflow as tf

import tflq
from tflq.tflite_side import Graph, Runner, normalize, pack

W = builders.weights
SHAPE = (1, 6, 6, 4)
BOUNDED = {
    "selu": tf.nn.selu,
    "greater": lambda x: tf.where(x > 0.0, x, 0.3 * (tf.exp(x) - 1.0)),
    "at least": lambda x: tf.where(x >= 0.0, 2.0 * x, tf.exp(x) - 1.0),
    "less": lambda x: tf.where(x < 1.0, tf.exp(x) * np.float32(np.exp(-1)), x),
    "at most": lambda x: tf.where(x <= 1.0, tf.math.log(1.0 + tf.exp(x)), x),
}
# Selected where large; of something else; read by something else; compared with no constant.
UNTOUCHED = {
    "other side": lambda x: tf.where(x > 0.0, tf.exp(x), x),
    "other value": lambda x: tf.where(x > 0.0, x, tf.exp(x * x)),
    "other reader": lambda x: tf.where(x > 0.0, x, y := tf.exp(x)) + y,
    "other limit": lambda x: tf.where(x > tf.abs(x) - 1.0, x, tf.exp(x)),
}


def _data(seed=1):
    return (W(24, *SHAPE[1:], seed=seed) * 4).clip(-8, 8)


def _kinds(content):
    return [op.kind for op in Graph.from_bytes(content).ops]


@pytest.mark.parametrize("name", BOUNDED)
def test_it_is_bounded_and_computes_the_same(name, tmp_path):
    content = builders.tflite(lambda x: BOUNDED[name](x * 0.9) * 0.7, SHAPE)
    plain = normalize(content, name="file")
    assert _kinds(plain.content).count("MINIMUM") == 1
    before, after = (Runner(c).run({"x0": _data()[:1]})[0] for c in (content, plain.content))
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)
    (tmp_path / "f.tflite").write_bytes(content)
    for scheme, least in (("w8a8", 32), ("w8a16", 50)):
        report = tflq.export(
            tmp_path / "f.tflite", tmp_path / "q.tflite", data=_data(), scheme=scheme
        )
        assert report.outputs[0].sqnr_db > least, scheme


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_is_selected_or_read_stays(name):
    content = builders.tflite(lambda x: UNTOUCHED[name](x) * 0.7, SHAPE)
    assert normalize(content, name="file").content == content


def test_it_goes_with_other_rewritings():
    def network(x):
        return tf.nn.selu(tf.nn.relu(tf.transpose(x * W(4)) * 0.5) - 2.0)

    content = builders.tflite(network, SHAPE)
    model = Graph.from_bytes(content).model
    (fused,) = (
        raw
        for raw in model.subgraphs[0].operators
        if getattr(raw.builtinOptions, "fusedActivationFunction", 0)
    )
    builders.unfuse(model, fused)
    plain = normalize(pack(model), name="file")
    assert "RELU" not in _kinds(plain.content)
    assert _kinds(plain.content).count("MINIMUM") == 1
    sample = {"x0": _data()[:1]}
    wanted, came = (Runner(c).run(sample)[0] for c in (content, plain.content))
    np.testing.assert_allclose(came, wanted, rtol=1e-6, atol=1e-6)
