import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq import UserError
from tflq.tflite_side import Runner, normalize
from tflq.tflite_side._file import pack, parse

KERNEL = builders.weights(3, 3, 3, 4)


def _conv(x):
    return tf.nn.relu(tf.nn.conv2d(x, KERNEL, 1, "SAME"))


def test_a_plain_float_file_is_left_alone():
    content = builders.tflite(_conv, (1, 8, 8, 3))
    plain = normalize(content, name="it")
    assert plain.content == content
    assert plain.ranges == {} and plain.bounds == {}


def test_float16_weights_become_float32_constants():
    concrete = tf.function(_conv).get_concrete_function(tf.TensorSpec((1, 8, 8, 3)))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    half = converter.convert()
    plain = normalize(half, name="it")
    assert {op.kind for op in plain.graph.ops} == {"CONV_2D"}
    sample = {"x": builders.weights(1, 8, 8, 3, seed=1)}
    np.testing.assert_allclose(
        Runner(plain.content).run(sample)[0], Runner(half).run(sample)[0], atol=1e-5
    )


def _fake_quantized(x):
    x = tf.quantization.fake_quant_with_min_max_args(x, -2.0, 2.0)
    kernel = tf.quantization.fake_quant_with_min_max_args(KERNEL, -2.5, 2.5, narrow_range=True)
    y = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
    return tf.quantization.fake_quant_with_min_max_args(y, 0.0, 7.0)


def test_fake_quantization_becomes_trained_ranges_and_bounds():
    plain = normalize(builders.tflite(_fake_quantized, (1, 8, 8, 3)), name="it")
    assert [op.kind for op in plain.graph.ops] == ["CONV_2D"]
    (low, high), (_, top) = (
        plain.ranges[plain.graph.inputs[0]],
        plain.ranges[plain.graph.outputs[0]],
    )
    assert high - low == pytest.approx(4, rel=0.01) and top == pytest.approx(7, rel=0.01)
    # TensorFlow folds constants, so a weight's fake quantization may have been done already.
    for bound in plain.bounds.values():
        np.testing.assert_allclose(bound, 2.5, rtol=0.01)


def test_a_quantized_file_is_refused(integer_file):
    with pytest.raises(UserError, match=r"the file is quantized already .*give the float model"):
        normalize(integer_file.read_bytes(), name="the file")


def test_weights_that_are_not_finite_are_named():
    bad = KERNEL.copy()
    bad[0, 0, 0, 0] = np.nan
    content = builders.tflite(lambda x: tf.nn.conv2d(x, bad, 1, "SAME"), (1, 8, 8, 3))
    with pytest.raises(UserError, match=r"weight '.*' of it holds NaN or infinity"):
        normalize(content, name="it")


def test_constants_and_graph_survive_packing():
    content = builders.tflite(_conv, (1, 8, 8, 3))
    sample = {"x0": builders.weights(1, 8, 8, 3, seed=1)}
    np.testing.assert_array_equal(
        Runner(pack(parse(content, name="it"))).run(sample)[0], Runner(content).run(sample)[0]
    )
