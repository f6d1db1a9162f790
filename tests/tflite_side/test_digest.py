"""Graphs are told apart by what they compute."""

import builders
import tensorflow as tf

from tflq.tflite_side import Graph, graph_digest, structure_digest


def digest(function, scope="a", of=graph_digest):
    def scoped(x):
        with tf.name_scope(scope):
            return function(x)

    return of(Graph.from_bytes(builders.tflite(scoped, (1, 4, 4, 4))))


def convolution(seed=0, stride=1):
    return lambda x: tf.nn.conv2d(x, builders.weights(1, 1, 4, 4, seed=seed), stride, "SAME")


def test_names_do_not_matter():
    assert digest(convolution(), "a") == digest(convolution(), "b")


def test_constants_options_and_ops_do():
    others = [convolution(seed=1), convolution(stride=2), lambda x: tf.nn.relu(x), tf.nn.softmax]
    found = {digest(function) for function in (convolution(), *others)}
    assert len(found) == 1 + len(others)


def test_a_structure_has_no_values():
    def structure(function):
        return digest(function, of=structure_digest)

    assert structure(convolution(seed=0)) == structure(convolution(seed=1))
    assert structure(convolution(stride=1)) != structure(convolution(stride=2))
