import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq.tflite_side import Graph
from tflq.tflite_side._seen import seen


def _graph(function, *shapes):
    return Graph.from_bytes(builders.tflite(function, *shapes), name="net")


def _seen(function, value, shape=(2, 4)):
    graph = _graph(function, shape)
    return seen(graph).values(graph.inputs[0], np.float32(value))


def test_softmax_sees_down_to_what_vanishes():
    came = _seen(tf.nn.softmax, [[1, 2, 3, -1e9], [-5, -30, -6, -7]])
    # All four together are e^-7 of the largest, less than half an 8-bit code.
    floor = 7 + np.log(4)
    np.testing.assert_allclose(came, [[1, 2, 3, 3 - floor], [-5, -5 - floor, -6, -7]], rtol=1e-6)


def test_rows_that_are_masked_as_a_whole_are_left_out():
    assert _seen(tf.nn.softmax, [[1, 2, 3, 4], [-1e9] * 4]).tolist() == [1, 2, 3, 4]
    assert _seen(tf.nn.softmax, [[-np.inf] * 4, [-1e9] * 4]).size == 0


def test_nan_is_no_mask():
    assert np.isnan(_seen(tf.nn.softmax, [[1, np.nan, 3, 4], [1, 2, 3, 4]])).any()


@pytest.mark.parametrize(("function", "limit"), [(tf.sigmoid, 12.0), (tf.tanh, 6.0)])
def test_sigmoid_and_tanh_see_as_far_as_they_move(function, limit):
    assert _seen(function, [[-90, -1, 2, 90]], (1, 4)).tolist() == [[-limit, -1, 2, limit]]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x, tf.nn.softmax(x)),
        lambda x: tf.nn.softmax(x) + x,
        lambda x: x * tf.sigmoid(x),
        lambda x: tf.nn.relu(x),
    ],
)
def test_others_see_all(function):
    value = [[-1e4, -90, 2, 90]]
    assert _seen(function, value, (1, 4)).tolist() == value


def test_moving_hides_nothing_from_softmax():
    graph = _graph(lambda x: tf.nn.softmax(tf.transpose(x, (1, 0))), (4, 2))
    read = next(op for op in graph.ops if op.kind == "SOFTMAX").inputs[0]
    visible = seen(graph)
    assert set(visible.limits) == {read}
    assert visible.hidden == {graph.inputs[0]}


def test_pairs_differ_only_where_it_is_told():
    graph = _graph(tf.nn.softmax, (2, 4))
    wanted = np.float32([[1, 2, 3, -1e9], [-1e9] * 4])
    came = np.float32([[1, 2.5, 3, -40], [-3, -4, -5, -6]])
    first, second = seen(graph).pair(graph.inputs[0], wanted, came)
    assert np.argwhere(first != second).tolist() == [[0, 1]]
