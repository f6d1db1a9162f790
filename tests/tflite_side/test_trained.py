import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq._float_model import TrainedWeights, weights_digest
from tflq.scheme import get_scheme
from tflq.tflite_side import Graph, trained_assignment, trained_bounds

W = builders.weights(1, 1, 3, 4)
V = builders.weights(4, 5, seed=1)


def _net(x):
    x = tf.nn.relu(tf.nn.conv2d(x, W, 1, "SAME"))
    return tf.nn.softmax(tf.matmul(tf.reduce_mean(x, (1, 2)), V))


@pytest.fixture(scope="module")
def graph():
    return Graph.from_bytes(builders.tflite(_net, (1, 4, 4, 3)), name="net")


def _trained(*given, bits=8, channels=4):
    bound = np.linspace(1, 2, channels)
    return {weights_digest(w): TrainedWeights(bound=bound, bits=bits) for w in given}


def _schemes(graph, weights, *, ranges=None, default="w8a8"):
    scheme = get_scheme(default)
    made = trained_assignment(graph, {op.index: scheme for op in graph.ops}, weights, ranges)
    return {op.kind: made[op.index] for op in graph.ops}


def _all_ranges(graph, leave_out=()):
    tensors = [*graph.inputs, *(t for op in graph.ops for t in op.outputs)]
    kinds = {t: op.kind for op in graph.ops for t in op.outputs}
    return {t: (-1.0, 1.0) for t in tensors if kinds.get(t) not in leave_out}


def test_weights_are_found_however_they_are_laid_out(graph):
    """The converter transposes them."""
    found = trained_bounds(graph, _trained(W) | _trained(V, channels=5))
    assert sorted(bound.size for bound in found.values()) == [4, 5]
    shapes = {graph.tensors[index].shape for index in found}
    assert shapes == {(4, 1, 1, 3), (5, 4)}


def test_digests_know_values_and_not_their_order():
    assert weights_digest(W) == weights_digest(W[..., ::-1]) == weights_digest(W.reshape(-1))
    assert weights_digest(W) != weights_digest(W + np.float32(1e-6))
    assert weights_digest(np.float32([0.0, 1])) == weights_digest(np.float32([-0.0, 1]))


def test_trained_weights_bring_bits_and_granularity(graph):
    weights = _trained(W, bits=4) | _trained(V, channels=1)
    made = _schemes(graph, weights)
    assert made["CONV_2D"].weight_bits == 4 and made["CONV_2D"].per_channel
    assert made["FULLY_CONNECTED"].weight_bits == 8 and not made["FULLY_CONNECTED"].per_channel


def test_weights_that_were_not_trained_stay_float(graph):
    made = _schemes(graph, _trained(W))
    assert made["CONV_2D"] is not None and made["FULLY_CONNECTED"] is None
    assert made["SOFTMAX"] is not None, "it has no weights"


def test_ops_beside_activations_without_a_range_stay_float(graph):
    weights = _trained(W) | _trained(V, channels=5)
    made = _schemes(graph, weights, ranges=_all_ranges(graph, leave_out=("MEAN",)))
    assert {kind for kind, scheme in made.items() if scheme is None} == {"MEAN", "FULLY_CONNECTED"}
    assert all(_schemes(graph, weights, ranges=_all_ranges(graph)).values())


def test_a_prescribed_range_that_was_not_trained_is_none():
    """A softmax inside attention: what reads it stays float, as it was in training."""

    def attend(x, y):
        return tf.matmul(tf.nn.softmax(tf.matmul(x, y, transpose_b=True)), y)

    graph = Graph.from_bytes(builders.tflite(attend, (1, 4, 3), (1, 4, 3)), name="net")
    outputs = dict.fromkeys((*graph.inputs, *graph.outputs), (-1.0, 1.0))
    assert set(_schemes(graph, {}, ranges=outputs).values()) == {None}


def test_a_group_shares_what_one_member_knows():
    def net(x):
        return tf.reshape(tf.nn.relu(x), (1, 12))

    graph = Graph.from_bytes(builders.tflite(net, (1, 4, 3)), name="net")
    ranges = dict.fromkeys((*graph.inputs, *graph.outputs), (0.0, 1.0))
    assert all(_schemes(graph, {}, ranges=ranges).values())


def test_ops_that_were_float_stay_float(graph):
    scheme = get_scheme("w8a8")
    given = {op.index: None if op.kind == "CONV_2D" else scheme for op in graph.ops}
    made = trained_assignment(graph, given, _trained(W) | _trained(V, channels=5), None)
    assert [op.kind for op in graph.ops if made[op.index] is None] == ["CONV_2D"]
