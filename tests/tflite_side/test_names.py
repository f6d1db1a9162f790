import builders
import pytest
import tensorflow as tf

from tflq import UserError
from tflq.tflite_side import Graph, Names


@pytest.fixture(scope="module")
def names():
    def function(x):
        with tf.name_scope("block"), tf.name_scope("conv_1"):
            x = tf.nn.relu(tf.nn.conv2d(x, builders.weights(1, 1, 4, 4), 1, "SAME"))
        with tf.name_scope("head"):
            return tf.nn.max_pool2d(x, 2, 2, "VALID")

    graph = Graph.from_bytes(builders.tflite(function, (1, 4, 4, 4)))
    layers = {"conv_1": "conv", "head": "head"}
    return Names(graph, {graph.inputs[0]: "image", graph.outputs[0]: "out"}, layers.get)


def test_labels_are_the_doors_or_the_layers(names):
    assert names.label(names._graph.inputs[0]) == "image"
    assert names.label(names._graph.ops[0].outputs[0]) == "conv"


@pytest.mark.parametrize("pattern", ["conv", "c?nv", "*conv*"])
def test_a_layer_is_matched_by_name_or_pattern(names, pattern):
    (index,) = names._graph.ops[0].outputs
    assert names.match({pattern: "kl"}, argument="calibrator_for")[index] == "kl"


def test_later_patterns_win(names):
    found = names.match({"*": "mse", "out": "kl"}, argument="calibrator_for")
    assert found[names._graph.outputs[0]] == "kl"
    assert found[names._graph.inputs[0]] == "mse"


def test_a_pattern_that_fits_nothing_is_refused_with_names_that_would(names):
    with pytest.raises(UserError, match=r"calibrator_for: 'logits' matches no activation.*conv"):
        names.match({"logits": "kl"}, argument="calibrator_for")


def test_unique_labels_tell_tensors_of_one_layer_apart():
    def function(x):
        with tf.name_scope("twice"):
            return tf.nn.relu(tf.nn.max_pool2d(x, 2, 2, "VALID")) * 2.0

    graph = Graph.from_bytes(builders.tflite(function, (1, 4, 4, 4)))
    names = Names(graph, {}, lambda part: part if part == "twice" else None)
    made = [t for op in graph.ops for t in op.outputs]
    labels = names.unique_labels(made)
    assert len(set(labels.values())) == len(made)
    assert names.unique_labels(made[:1]) == {made[0]: "twice"}
