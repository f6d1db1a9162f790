import numpy as np
import pytest
import tensorflow as tf
from builders import tflite, weights

from tflq.tflite_side import Graph, Runner
from tflq.tflite_side._weights import bias_of, weighted_ops, weights_of
from tflq.tflite_side._windows import Windows


def _conv(stride, padding, dilation, groups=1):
    kernel = weights(3, 2, 4 // groups, 6)

    def run(x):
        return tf.nn.conv2d(x, kernel, stride, padding, dilations=dilation) + 1.0

    return run


def _depthwise(stride, padding, multiplier):
    kernel = weights(3, 3, 4, multiplier)

    def run(x):
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], padding) + 1.0

    return run


CASES = {
    "same": _conv(1, "SAME", 1),
    "valid": _conv(1, "VALID", 1),
    "strided": _conv(2, "SAME", 1),
    "dilated": _conv(1, "SAME", 2),
    "grouped": _conv(1, "SAME", 1, groups=2),
    "depthwise": _depthwise(1, "SAME", 1),
    "strided depthwise": _depthwise(2, "VALID", 1),
    "multiplied depthwise": _depthwise(1, "SAME", 3),
    "dense": lambda x: tf.matmul(tf.reshape(x, [42, 4]), weights(4, 5)) + weights(5),
}


@pytest.mark.parametrize("name", CASES)
def test_rows_times_weights_is_what_the_op_computes(name):
    content = tflite(CASES[name], (1, 7, 6, 4))
    graph = Graph.from_bytes(content)
    (op,) = weighted_ops(graph)
    x = weights(1, 7, 6, 4, seed=1)
    runner = Runner(content, keep_all=True)
    runner.run({runner.inputs[0].name: x})
    given, made = (np.array(runner.view(t)()) for t in (op.inputs[0], op.outputs[0]))
    windows = Windows(graph, op)
    places = np.random.default_rng(0).permutation(made[..., 0].size)[:9]
    rows = windows.rows(given, made.shape, places)
    matrix = windows.matrix(graph.constant(weights_of(graph, op)), given.shape[-1])
    product = (rows @ matrix).swapaxes(0, 1).reshape(len(places), -1)
    expected = made.reshape(-1, made.shape[-1])[places]
    np.testing.assert_allclose(
        product + graph.constant(bias_of(graph, op)), expected, rtol=1e-4, atol=1e-4
    )
    np.testing.assert_array_equal(windows.weights(matrix), graph.constant(weights_of(graph, op)))
