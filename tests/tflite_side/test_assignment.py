import builders
import pytest
import tensorflow as tf

from tflq import UserError
from tflq.scheme import get_scheme
from tflq.tflite_side import activation_bits, assign, check_scheme_for, normalize, weight_bits
from tflq.tflite_side._assignment import per_channel
from tflq.tflite_side._weights import weighted_ops

W = builders.weights
W4, W8, W16 = (get_scheme(name) for name in ("w4a8", "w8a8", "w8a16"))


def _chain():
    """Three convolutions after one another, and a branch of one beside the last."""

    def function(x):
        for seed in range(2):
            x = tf.nn.relu(tf.nn.conv2d(x, W(1, 1, 4, 4, seed=seed), 1, "SAME"))
        ends = (tf.nn.conv2d(x, W(3, 3, 4, 4, seed=9 + i), 1, "SAME") for i in range(2))
        return tuple(ends)

    return normalize(builders.tflite(function, (1, 8, 8, 4)), name="chain").graph


def test_first_and_last_layers_keep_the_bits_of_edges():
    graph = _chain()
    bits = weight_bits(graph, assign(graph, W4, {}))
    found = [bits[op.inputs[1]] for op in weighted_ops(graph)]
    assert found == [8, 4, 8, 8]


def test_an_override_counts_at_an_edge_too():
    graph = _chain()
    first = weighted_ops(graph)[0]
    assignment = assign(graph, W4, {first.outputs[0]: "w4a8-per-tensor"})
    assert weight_bits(graph, assignment)[first.inputs[1]] == 4
    assert not per_channel(graph, assignment)[first.inputs[1]]


def test_float32_leaves_weights_and_activations_alone():
    graph = _chain()
    last = weighted_ops(graph)[-1]
    assignment = assign(graph, W8, {last.outputs[0]: "float32"})
    assert assignment[last.index] is None
    assert last.inputs[1] not in weight_bits(graph, assignment)
    assert activation_bits(graph, assignment)[last.outputs[0]] is None


def test_an_activation_has_the_bits_of_what_makes_it():
    graph = _chain()
    second = weighted_ops(graph)[1]
    bits = activation_bits(graph, assign(graph, W8, {second.outputs[0]: "w8a16"}))
    assert bits[second.outputs[0]] == 16
    assert {bits[t] for t in (*graph.inputs, *graph.outputs, second.inputs[0])} == {8}


def test_an_op_without_an_int16_kernel_computes_in_8_bits():
    content = builders.tflite(lambda x: tf.nn.elu(tf.nn.relu(x)), (1, 8, 8, 4))
    graph = normalize(content, name="elu").graph
    bits = activation_bits(graph, assign(graph, W16, {}))
    made = {op.kind: bits[op.outputs[0]] for op in graph.ops}
    assert made == {"RELU": 16, "ELU": 8}


def test_shared_weights_have_the_most_bits_that_are_asked_for():
    kernel = W(1, 1, 4, 4)

    def twice(x):
        for _ in range(4):
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
        return x

    graph = normalize(builders.tflite(twice, (1, 8, 8, 4)), name="shared").graph
    ops = weighted_ops(graph)
    assert len({op.inputs[1] for op in ops}) == 1
    assert set(weight_bits(graph, assign(graph, W4, {})).values()) == {8}


@pytest.mark.parametrize(
    ("base", "scheme_for", "message"),
    [
        ("w8", {"a": "w8a16"}, "does not go with scheme='w8'.*choose scheme= from: w8a8"),
        ("w8a8", {"a": "w8"}, "'w8' for 'a' is not a scheme that single layers can have"),
        ("w8a8", {"a": "w2a2"}, "choose one of: w8a8, .*float32"),
    ],
)
def test_schemes_that_do_not_mix_are_refused(base, scheme_for, message):
    with pytest.raises(UserError, match=message):
        check_scheme_for(get_scheme(base), scheme_for)
