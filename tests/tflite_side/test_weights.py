import builders
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq.scheme import get_scheme
from tflq.tflite_side import Graph, Runner, assign, choose_bounds, normalize, quantize
from tflq.tflite_side._weights import SLOTS, bias_of, weighted_ops, weights_of

LAYERS = {
    "CONV_2D": lambda x: tf.nn.bias_add(
        tf.nn.conv2d(x, builders.weights(3, 3, 4, 6), 1, "SAME"), builders.weights(6, seed=1)
    ),
    "DEPTHWISE_CONV_2D": lambda x: tf.nn.bias_add(
        tf.nn.depthwise_conv2d(x, builders.weights(3, 3, 4, 2), (1, 1, 1, 1), "SAME"),
        builders.weights(8, seed=1),
    ),
    "FULLY_CONNECTED": lambda x: tf.nn.bias_add(
        tf.matmul(tf.reshape(x, (1, 256)), builders.weights(256, 5)), builders.weights(5, seed=1)
    ),
    "TRANSPOSE_CONV": lambda x: tf.nn.conv2d_transpose(
        x, builders.weights(3, 3, 6, 4), (1, 16, 16, 6), 2, "SAME"
    ),
}
SHAPE = (1, 8, 8, 4)
DATA = [{"x0": builders.weights(*SHAPE, seed=s)} for s in range(4)]


@pytest.mark.parametrize("scheme", ["w8a8", "w8a8-per-tensor"])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_file_holds_the_bounds_and_rounded_weights(kind, scheme):
    quantized, _, plain = builders.quantize_file(
        builders.tflite(LAYERS[kind], SHAPE), DATA, scheme=scheme
    )
    integer = Graph.from_bytes(quantized.content)
    (op,) = weighted_ops(integer)
    (source,) = weighted_ops(plain.graph)
    assert op.kind == source.kind == kind
    weights = plain.graph.constant(weights_of(plain.graph, source))
    held = integer.tensors[weights_of(integer, op)].quantization
    axis = SLOTS[kind].channel_axis
    others = tuple(i for i in range(weights.ndim) if i != axis)
    bound = np.abs(weights).max(others) if scheme == "w8a8" else np.abs(weights).max().reshape(1)
    np.testing.assert_allclose(held.scale, bound / 127, rtol=1e-6)
    assert not held.zero_point.any()
    along = [1] * weights.ndim
    along[axis] = held.scale.size
    codes = integer.constant(weights_of(integer, op))
    assert np.abs(codes.astype(int)).max() == 127
    assert np.abs(codes * held.scale.reshape(along) - weights).max() <= held.scale.max() * 0.501


@pytest.mark.parametrize("kind", LAYERS)
def test_outputs_stay_close_to_float(kind):
    quantized, _, plain = builders.quantize_file(builders.tflite(LAYERS[kind], SHAPE), DATA)
    wanted = Runner(plain.content).run(DATA[0])[0]
    (name,) = [spec.name for spec in Runner(quantized.content).inputs]
    came = Runner(quantized.content).run({name: DATA[0]["x0"]})[0]
    assert np.abs(wanted - came).max() < 0.05 * np.abs(wanted).max()


def test_bias_scale_is_input_scale_times_weight_scale():
    quantized, _, _ = builders.quantize_file(builders.tflite(LAYERS["CONV_2D"], SHAPE), DATA)
    integer = Graph.from_bytes(quantized.content)
    (op,) = weighted_ops(integer)
    bias = integer.tensors[bias_of(integer, op)].quantization.scale
    weights = integer.tensors[weights_of(integer, op)].quantization.scale
    data = integer.tensors[op.inputs[0]].quantization.scale
    np.testing.assert_allclose(bias, data * weights, rtol=1e-6)


@settings(max_examples=8, deadline=None)
@given(tiny=st.floats(1e-12, 1e-5), bias=st.floats(0.5, 100))
def test_nearly_dead_channels_do_not_overflow_their_bias(tiny, bias):
    kernel = builders.weights(1, 1, 4, 6)
    kernel[..., 2] *= np.float32(tiny)
    biases = np.full(6, bias, np.float32)
    content = builders.tflite(
        lambda x: tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), biases), SHAPE
    )
    quantized, _, _ = builders.quantize_file(content, DATA)
    integer = Graph.from_bytes(quantized.content)
    (op,) = weighted_ops(integer)
    codes = integer.constant(bias_of(integer, op)).astype(np.int64)
    assert np.abs(codes).max() <= 2**30 * (1 + 1e-6)
    held = integer.tensors[bias_of(integer, op)].quantization.scale
    np.testing.assert_allclose(codes * held.astype(np.float64), bias, rtol=1e-3)


def test_four_bits_leave_a_bias_less_room():
    kernel = builders.weights(1, 1, 4, 4)
    kernel[..., 2] = 0.0

    def network(x):
        # The first and the last layer keep eight bits.
        for seed in (1, None, 2):
            weights = kernel if seed is None else builders.weights(1, 1, 4, 4, seed=seed)
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, weights, 1, "SAME"), np.ones(4, "f4")))
        return x

    quantized, _, _ = builders.quantize_file(builders.tflite(network, SHAPE), DATA, scheme="w4a8")
    integer = Graph.from_bytes(quantized.content)
    op = next(op for op in weighted_ops(integer) if integer.tensors[op.inputs[1]].dtype == "int4")
    assert np.abs(integer.constant(bias_of(integer, op)).astype(np.int64)).max() <= 2**26


def test_a_widened_channel_is_reported():
    kernel = builders.weights(1, 1, 4, 6)
    kernel[..., 2] *= np.float32(1e-12)
    biases = np.ones(6, np.float32)
    content = builders.tflite(
        lambda x: tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), biases), SHAPE
    )
    quantized, _, _ = builders.quantize_file(content, DATA)
    (deviation,) = quantized.deviations
    assert (
        deviation.rule == "widened in channels so nearly dead that their int32 bias would overflow"
    )


def test_dead_channels_give_zeros():
    kernel = builders.weights(1, 1, 4, 6)
    kernel[..., 2] = 0
    content = builders.tflite(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), SHAPE)
    quantized, _, _ = builders.quantize_file(content, DATA)
    integer = Graph.from_bytes(quantized.content)
    (op,) = weighted_ops(integer)
    assert not integer.constant(weights_of(integer, op))[2].any()
    assert np.isfinite(integer.tensors[weights_of(integer, op)].quantization.scale).all()


def test_bounds_of_ours_replace_the_largest_value():
    plain = normalize(builders.tflite(LAYERS["CONV_2D"], SHAPE), name="it")
    scheme = get_scheme("w8a8")
    assignment = assign(plain.graph, scheme, {})
    bounds = choose_bounds(plain.graph, assignment=assignment, method="minmax", trained={})
    halved = {index: bound / 2 for index, bound in bounds.items()}
    (output,) = plain.graph.outputs
    quantized = quantize(
        plain.graph,
        ranges={plain.graph.inputs[0]: (-4.0, 4.1), output: (-30.0, 31.0)},
        bounds=halved,
        scheme=scheme,
        assignment=assignment,
        io="int8",
        inputs=["x"],
        outputs=["y"],
    )
    assert quantized.deviations == ()
    integer = Graph.from_bytes(quantized.content)
    (op,), (bound,) = weighted_ops(integer), halved.values()
    scale = integer.tensors[weights_of(integer, op)].quantization.scale
    np.testing.assert_allclose(scale, bound / 127, rtol=1e-6)
