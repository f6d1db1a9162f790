import builders
import numpy as np
import tensorflow as tf

from tflq.tflite_side import Runner, normalize
from tflq.tflite_side._weights import bias_of, weighted_ops

W = builders.weights
SHAPE = (1, 8, 8, 4)


def _bare(x):
    x = tf.nn.relu(tf.nn.conv2d(x, W(3, 3, 4, 6), 1, "SAME"))
    x = tf.nn.depthwise_conv2d(x, W(3, 3, 6, 1), (1, 1, 1, 1), "SAME")
    return tf.matmul(tf.reshape(x, (1, 8 * 8 * 6)), W(8 * 8 * 6, 3))


def test_every_op_gets_a_bias_and_computes_the_same():
    content = builders.tflite(_bare, SHAPE)
    plain = normalize(content, name="bare", biases=True)
    for op in weighted_ops(plain.graph):
        bias = bias_of(plain.graph, op)
        assert bias is not None and not plain.graph.constant(bias).any()
    sample = {"x0": W(*SHAPE)}
    expected, came = Runner(content).run(sample), Runner(plain.content).run(sample)
    np.testing.assert_allclose(came[0], expected[0], atol=1e-5)


def test_it_quantizes():
    content = builders.tflite(_bare, SHAPE)
    plain = normalize(content, name="bare", biases=True)
    samples = [{"x0": W(*SHAPE, seed=s)} for s in range(4)]
    quantized, _, _ = builders.quantize_file(plain.content, samples)
    assert quantized.deviations == ()


def test_a_bias_that_is_there_stays():
    content = builders.tflite(
        lambda x: tf.nn.bias_add(tf.nn.conv2d(x, W(1, 1, 4, 2), 1, "SAME"), W(2)), SHAPE
    )
    plain = normalize(content, name="biased", biases=True)
    assert plain.content == content
