"""Activations that stand alone, as other converters write them."""

import builders
import numpy as np
import pytest
import tensorflow as tf

import tflq
from tflq.tflite_side import Graph, Runner, normalize, pack

W = builders.weights
SHAPE = (1, 6, 6, 4)
MAKERS = {
    "CONV_2D": lambda x: tf.nn.conv2d(x, W(3, 3, 4, 4) / 6, 1, "SAME"),
    "DEPTHWISE_CONV_2D": lambda x: tf.nn.depthwise_conv2d(x, W(3, 3, 4, 1), [1] * 4, "SAME"),
    "FULLY_CONNECTED": lambda x: tf.matmul(tf.reshape(x, (36, 4)), W(4, 4)),
    "ADD": lambda x: x + W(4),
    "SUB": lambda x: x - tf.nn.max_pool2d(x, 3, 1, "SAME"),
    "MUL": lambda x: x * W(4),
    "DIV": lambda x: x / (1.5 + tf.abs(x)),
    "MAX_POOL_2D": lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
    "AVERAGE_POOL_2D": lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"),
}
ACTIVATIONS = {"RELU": tf.nn.relu, "RELU6": tf.nn.relu6}


def _taken_apart(content):
    """Every fused activation becomes an op."""
    model = Graph.from_bytes(content).model
    for raw in list(model.subgraphs[0].operators):
        if getattr(raw.builtinOptions, "fusedActivationFunction", 0):
            builders.unfuse(model, raw)
    return pack(model)


def _kinds(content):
    return [op.kind for op in Graph.from_bytes(content).ops]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("maker", MAKERS)
def test_it_becomes_part_of_what_is_before(maker, activation, tmp_path):
    # A product behind keeps the activation away from the end, where codes are never clipped.
    network = builders.tflite(lambda x: 0.3 * ACTIVATIONS[activation](MAKERS[maker](x)), SHAPE)
    apart = _taken_apart(network)
    assert activation in _kinds(apart)
    plain = normalize(apart, name="the test's file")
    assert _kinds(plain.content) == _kinds(network)
    sample = {"x0": W(*SHAPE) * 3}
    wanted, came = Runner(apart).run(sample), Runner(plain.content).run(sample)
    np.testing.assert_array_equal(came, wanted)
    (tmp_path / "apart.tflite").write_bytes(apart)
    report = tflq.export(
        tmp_path / "apart.tflite", tmp_path / "q.tflite", data=W(20, *SHAPE[1:]), scheme="w8a16"
    )
    graph = Graph.from_bytes((tmp_path / "q.tflite").read_bytes())
    made = {op.kind: graph.tensors[op.outputs[0]].dtype for op in graph.ops}
    assert [kind for kind in made if made[kind] == "int8"] in ([], ["QUANTIZE"])
    assert not report.deviations
    assert report.outputs[0].sqnr_db > 35


def test_what_something_else_reads_keeps_its_activation_apart():
    def two_readers(x):
        linear = tf.nn.conv2d(x, W(1, 1, 4, 4), 1, "SAME")
        return tf.nn.relu(linear) * linear

    network = builders.tflite(two_readers, SHAPE)
    assert normalize(network, name="file").content == network
    assert "RELU" in _kinds(network)


def test_one_clamp_does_not_become_two():
    network = builders.tflite(lambda x: tf.nn.relu(x * W(4)), SHAPE)
    apart = _taken_apart(network)
    graph = Graph.from_bytes(apart)
    sub = graph.model.subgraphs[0]
    sub.operators[0].builtinOptions.fusedActivationFunction = 3
    clamped = pack(graph.model)
    assert normalize(clamped, name="file").content == clamped
