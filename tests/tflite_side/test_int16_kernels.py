"""Every op of the table is computed in int16 by the runtime, and held against float32."""

import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq.tflite_side import Graph, Runner
from tflq.tflite_side._int16_kernels import INT16_VERSIONS

IMAGE = (1, 8, 8, 4)
# Where sizes are known, the converter writes RESHAPE instead.
OPEN = {"EXPAND_DIMS": (None, 8, 8, 4), "SQUEEZE": (1, None, None, 4)}
DATA = [{"x0": builders.weights(*IMAGE, seed=s)} for s in range(3)]

W = builders.weights


def _other(x):
    return x * W(4, seed=3)


def _selected(x):
    chosen = np.arange(256).reshape(IMAGE) % 3 == 0
    return tf.compat.v1.where(tf.constant(chosen), x, _other(x))


def _positive(x):
    return tf.abs(x) + 0.5


def _linear(operation, *shape, channels):
    # Weights that int8 holds without an error, so that nothing but the kernel is seen.
    kernel = np.round(W(*shape) * 30).clip(-127, 127)
    kernel[0] = 127
    return lambda x: tf.nn.bias_add(operation(x, kernel), W(channels, seed=1))


CASES = {
    "ABS": tf.abs,
    "ADD": lambda x: x + _other(x),
    "AVERAGE_POOL_2D": lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"),
    "BATCH_MATMUL": lambda x: tf.matmul(
        tf.reshape(x, (1, 4, 8, 8)), tf.reshape(_other(x), (1, 4, 8, 8)), transpose_b=True
    ),
    "BATCH_TO_SPACE_ND": lambda x: tf.batch_to_space(
        tf.tile(x, [4, 1, 1, 1]), [2, 2], [[1, 1], [0, 0]]
    ),
    "BROADCAST_TO": lambda x: tf.broadcast_to(x, (3, 8, 8, 4)),
    "CONCATENATION": lambda x: tf.concat([x, _other(x) * 8, W(1, 8, 8, 2)], -1),
    "CONV_2D": _linear(lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"), 3, 3, 4, 6, channels=6),
    "DEPTHWISE_CONV_2D": _linear(
        lambda x, w: tf.nn.depthwise_conv2d(x, w, (1, 1, 1, 1), "SAME"), 3, 3, 4, 2, channels=8
    ),
    "DIV": lambda x: x / _positive(_other(x)),
    "EXP": lambda x: tf.exp(x * 0.3),
    "EXPAND_DIMS": lambda x: tf.expand_dims(x, 1),
    "FULLY_CONNECTED": _linear(
        lambda x, w: tf.matmul(tf.reshape(x, (1, 256)), w), 256, 5, channels=5
    ),
    "GATHER": lambda x: tf.gather(x, [0, 3, 1], axis=1),
    "GATHER_ND": lambda x: tf.gather_nd(x, [[0, 1, 2], [0, 3, 3]]),
    "GELU": tf.nn.gelu,
    "LEAKY_RELU": lambda x: tf.nn.leaky_relu(x, 0.2),
    "LOG": lambda x: tf.math.log(_positive(x)),
    "LOGISTIC": tf.sigmoid,
    "MAXIMUM": lambda x: tf.maximum(x, _other(x)),
    "MAX_POOL_2D": lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
    "MEAN": lambda x: tf.reduce_mean(x, (1, 2)),
    "MINIMUM": lambda x: tf.minimum(x, 0.25),
    "MIRROR_PAD": lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"),
    "MUL": lambda x: x * _other(x),
    "PACK": lambda x: tf.stack([x, _other(x)]),
    "PAD": lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]),
    "PADV2": lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=1.5),
    "REDUCE_MAX": lambda x: tf.reduce_max(x, axis=(1, 2)),
    "REDUCE_MIN": lambda x: tf.reduce_min(x, axis=(1, 2)),
    "REDUCE_PROD": lambda x: tf.reduce_prod(x, axis=-1),
    "RELU": lambda x: tf.nn.relu(tf.transpose(x)),
    "RELU6": lambda x: tf.nn.relu6(tf.transpose(x)),
    "RESHAPE": lambda x: tf.reshape(x, (1, 256)),
    "RESIZE_BILINEAR": lambda x: tf.image.resize(x, (16, 16), "bilinear"),
    "RESIZE_NEAREST_NEIGHBOR": lambda x: tf.image.resize(x, (16, 16), "nearest"),
    "REVERSE_V2": lambda x: tf.reverse(x, [1]),
    "RSQRT": lambda x: tf.math.rsqrt(_positive(x)),
    "SELECT": _selected,
    "SELECT_V2": lambda x: tf.where(tf.constant(np.arange(4) % 2 == 0), x, _other(x)),
    "SLICE": lambda x: tf.slice(x, [0, 1, 1, 0], [1, 3, 3, 4]),
    "SOFTMAX": tf.nn.softmax,
    "SPACE_TO_BATCH_ND": lambda x: tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]),
    "SPLIT": lambda x: tf.split(x, 2, axis=-1)[1],
    "SPLIT_V": lambda x: tf.split(x, [1, 3], axis=-1)[1],
    "SQRT": lambda x: tf.sqrt(_positive(x)),
    "SQUEEZE": lambda x: tf.squeeze(x, 0),
    "STRIDED_SLICE": lambda x: x[:, ::2, 1:],
    "SUB": lambda x: x - _other(x) * 3,
    "SUM": lambda x: tf.reduce_sum(x, (1, 2)),
    "TANH": tf.tanh,
    "TILE": lambda x: tf.tile(x, [1, 2, 1, 1]),
    "TRANSPOSE": lambda x: tf.transpose(x, (0, 2, 3, 1)),
    "TRANSPOSE_CONV": _linear(
        lambda x, w: tf.nn.conv2d_transpose(x, w, (1, 16, 16, 6), 2, "SAME"),
        3,
        3,
        6,
        4,
        channels=6,
    ),
    "UNPACK": lambda x: tf.unstack(x, axis=1)[2],
}


def sqnr(function, shape=IMAGE):
    content = builders.tflite(lambda x: function(x) * 0.7, shape)
    quantized, _, plain = builders.quantize_file(content, DATA, scheme="w8a16")
    floating, integer = Runner(plain.content), Runner(quantized.content)
    signal = error = 0.0
    for sample in DATA:
        wanted, came = floating.run(sample)[0], integer.run(sample)[0]
        signal += float((wanted**2).sum())
        error += float(((wanted - came) ** 2).sum())
    return 10 * np.log10(signal / error), Graph.from_bytes(quantized.content), quantized


@pytest.mark.parametrize("kind", CASES)
def test_the_runtime_computes_it_in_int16(kind):
    decibels, graph, _ = sqnr(CASES[kind], OPEN.get(kind, IMAGE))
    (op, *_) = [op for op in graph.ops if op.kind == kind]
    assert {graph.tensors[i].dtype for i in op.outputs} == {"int16"}
    assert not {"QUANTIZE", "DEQUANTIZE"} & {op.kind for op in graph.ops}
    code = graph.model.operatorCodes[graph.model.subgraphs[0].operators[op.index].opcodeIndex]
    assert code.version >= INT16_VERSIONS[kind]
    assert decibels > 60, f"{kind}: {decibels:.1f} dB"


def test_all_of_the_table_is_tested():
    assert set(CASES) == set(INT16_VERSIONS)


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("DEPTH_TO_SPACE", lambda x: tf.nn.depth_to_space(x, 2)),
        ("SPACE_TO_DEPTH", lambda x: tf.nn.space_to_depth(x, 2)),
        ("LOG_SOFTMAX", tf.nn.log_softmax),
        ("HARD_SWISH", lambda x: x * tf.nn.relu6(x + 3.0) * (1 / 6)),
        ("L2_NORMALIZATION", lambda x: tf.math.l2_normalize(tf.reshape(x, (64, 4)), axis=-1)),
        ("SQUARED_DIFFERENCE", lambda x: tf.math.squared_difference(x, _other(x))),
    ],
)
def test_an_op_without_an_int16_kernel_computes_in_int8_and_is_reported(kind, function):
    decibels, graph, quantized = sqnr(function)
    (op,) = [op for op in graph.ops if op.kind == kind]
    assert {graph.tensors[i].dtype for i in (*op.inputs, *op.outputs)} == {"int8"}
    (rule,) = [d.rule for d in quantized.deviations]
    assert rule == f"{kind} has no int16 kernel and computes in int8"
    assert decibels > 25
