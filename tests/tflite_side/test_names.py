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


def test_a_name_that_there_is_is_no_pattern():
    def function(x):
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        with tf.name_scope("ab"):
            return tf.nn.relu(x * 2.0)

    graph = Graph.from_bytes(builders.tflite(function, (1, 4, 4, 4)))
    names = Names(graph, {graph.ops[0].outputs[0]: "a[b]"}, {"ab": "ab"}.get)
    assert list(names.match({"a[b]": "kl"}, argument="calibrator_for")) == [graph.ops[0].outputs[0]]


def test_own_labels_mean_one_op():
    def function(x):
        with tf.name_scope("twice"):
            x = tf.nn.relu(tf.nn.max_pool2d(x, 2, 2, "VALID"))
        with tf.name_scope("once"):
            return tf.nn.max_pool2d(x * 2.0, 2, 1, "VALID")

    graph = Graph.from_bytes(builders.tflite(function, (1, 6, 6, 4)))
    names = Names(graph, {}, lambda part: part if part in ("twice", "once") else None)
    made = [t for op in graph.ops for t in op.outputs]
    labels = names.own_labels(made)
    assert len(set(labels.values())) == len(graph.ops)
    for index, label in labels.items():
        found = names.match({label: "x"}, argument="scheme_for")
        assert [t for t in made if t in found] == [index]


def test_names_of_the_original_find_layers_of_a_rewritten_model():
    def original(x):
        with tf.name_scope("conv"):
            x = tf.nn.conv2d(x, builders.weights(1, 1, 4, 4), 1, "SAME")
        with tf.name_scope("norm"):
            return tf.nn.max_pool2d(x + 1.0, 2, 2, "VALID")

    def rewritten(x):
        with tf.name_scope("conv"):
            x = tf.nn.conv2d(x, builders.weights(1, 1, 4, 4), 1, "SAME") + 1.0
        with tf.name_scope("pool"):
            return tf.nn.max_pool2d(x, 2, 2, "VALID")

    parts = ("conv", "norm", "pool")
    known, names = (
        Names(Graph.from_bytes(builders.tflite(f, (1, 4, 4, 4))), {}, {p: p for p in parts}.get)
        for f in (original, rewritten)
    )
    assert "norm" in known.aliases(known._graph.ops[0].outputs[0])
    found = names.match({"norm": "x"}, argument="scheme_for", original=known)
    assert found[names._graph.ops[0].outputs[0]] == "x"
