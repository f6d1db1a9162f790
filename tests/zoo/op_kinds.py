"""Over a hundred kinds of op, each in a tiny network, and what is expected of its files.

A network multiplies its input, applies the op, and multiplies again, so that the op reads and
makes activations inside of the graph.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import builders
import numpy as np
import tensorflow as tf

IMAGE = (1, 8, 8, 4)
W = builders.weights


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of op.

    Attributes:
        function: what the network does with its input.
        shape: of the input.
        least8, least16: the least SQNR at w8a8 and w8a16, in dB. Where something computes in int8
            at w8a16, and the report says so, it is the former.
    """

    function: Callable[[Any], Any]
    shape: tuple[int, ...] = IMAGE
    least8: float = 28
    least16: float = 60


def network(kind: Kind) -> bytes:
    """The float .tflite."""
    return builders.tflite(lambda x: kind.function(x * 1.3) * 0.7, kind.shape)


def data(kind: Kind) -> np.ndarray:
    """Values far enough apart that rounding does not decide between them."""
    normal = builders.weights(16, *kind.shape[1:], seed=7)
    return (np.rint(normal * 4) / 4).clip(-2.5, 2.5)


def _other(x):
    return x * W(x.shape[-1], seed=3)


def _positive(x):
    return tf.abs(x) + 0.5


def _where(condition, x):
    return tf.where(condition, x, 0.5 * x)


def _linear(operation, *shape):
    return lambda x: operation(x, W(*shape, seed=5) / np.float32(np.sqrt(np.prod(shape[:-1]))))


def _same(x):
    """Gives a result of integers or truth values a range of its own."""
    return tf.cast(x, tf.float32) * 0.25


def _loop(x):
    cell = W(4, 4) / 2
    return tf.while_loop(
        lambda step, state: step < 3,
        lambda step, state: (step + 1, tf.tanh(tf.matmul(state, cell))),
        (tf.constant(0), tf.reshape(x, (64, 4))),
    )[1]


# Rounding weights to 8 bits leaves no more, whatever activations have.
Weighted = partial(Kind, least16=40)
ROWS = (1, 16)
ZOO = {
    # One value after another.
    "ABS": Kind(function=tf.abs),
    "NEG": Kind(function=lambda x: -tf.tanh(x)),
    "SQUARE": Kind(function=tf.square),
    "SQRT": Kind(function=lambda x: tf.sqrt(_positive(x))),
    "RSQRT": Kind(function=lambda x: tf.math.rsqrt(_positive(x))),
    "EXP": Kind(function=tf.exp),
    "LOG, of what is near 0": Kind(function=lambda x: tf.math.log(tf.square(x) ** 2 + 1e-3)),
    "LOG": Kind(function=lambda x: tf.math.log(_positive(x))),
    "SIN": Kind(function=tf.sin),
    "COS": Kind(function=tf.cos),
    "FLOOR": Kind(function=lambda x: x - tf.floor(x * 0.01 + 0.5)),
    "CEIL": Kind(function=lambda x: x - tf.math.ceil(x * 0.01 + 0.5)),
    "ROUND": Kind(function=lambda x: x - tf.round(x * 0.01 + 1.0)),
    "SIGN": Kind(function=lambda x: x * tf.sign(x)),
    "TANH": Kind(function=tf.tanh),
    "LOGISTIC": Kind(function=tf.sigmoid),
    "RELU": Kind(function=lambda x: tf.nn.relu(tf.transpose(x))),
    "RELU6": Kind(function=lambda x: tf.nn.relu6(tf.transpose(x) * 3)),
    "RELU_N1_TO_1": Kind(function=lambda x: tf.clip_by_value(tf.transpose(x), -1, 1)),
    "RELU_0_TO_1": Kind(function=lambda x: tf.clip_by_value(tf.transpose(x), 0, 1)),
    "LEAKY_RELU": Kind(function=lambda x: tf.nn.leaky_relu(x, 0.2)),
    "PRELU": Kind(function=lambda x: tf.nn.relu(x) - W(4) * tf.nn.relu(-x)),
    "ELU": Kind(function=tf.nn.elu),
    "SELU": Kind(function=tf.nn.selu),
    "GELU": Kind(function=tf.nn.gelu),
    "GELU, by tanh": Kind(function=lambda x: tf.nn.gelu(x, approximate=True)),
    "HARD_SWISH": Kind(function=lambda x: x * tf.nn.relu6(x + 3) / 6),
    "swish": Kind(function=tf.nn.swish),
    "softplus": Kind(function=tf.nn.softplus),
    "softplus, of a wide range": Kind(function=lambda x: tf.nn.softplus(x * 4)),
    "SELU, of a wide range": Kind(function=lambda x: tf.nn.selu(x * 3)),
    "mish": Kind(function=lambda x: x * tf.tanh(tf.nn.softplus(x)), least8=25),
    "softsign": Kind(function=tf.nn.softsign),
    "SOFTMAX": Kind(function=tf.nn.softmax),
    "LOG_SOFTMAX": Kind(function=tf.nn.log_softmax),
    "L2_NORMALIZATION": Kind(
        function=lambda x: tf.math.l2_normalize(tf.reshape(x, (64, 4)), axis=-1)
    ),
    "layer normalization": Kind(
        function=lambda x: (
            (x - tf.reduce_mean(x, -1, keepdims=True))
            * tf.math.rsqrt(tf.math.reduce_variance(x, -1, keepdims=True) + 0.1)
        )
    ),
    "LOCAL_RESPONSE_NORMALIZATION": Kind(function=lambda x: tf.nn.lrn(x, 1, 1.0, 0.1)),
    # Two values at a time.
    "ADD": Kind(function=lambda x: x + _other(x)),
    "ADD_N": Kind(function=lambda x: tf.add_n([x, _other(x), tf.abs(x)]), least8=25),
    "SUB": Kind(function=lambda x: x - _other(x) * 3),
    "MUL": Kind(function=lambda x: x * _other(x)),
    "DIV": Kind(function=lambda x: x / _positive(_other(x))),
    "POW": Kind(function=lambda x: tf.pow(_positive(x), 1.7)),
    "MAXIMUM": Kind(function=lambda x: tf.maximum(x, _other(x))),
    "MINIMUM": Kind(function=lambda x: tf.minimum(x, 0.25)),
    "SQUARED_DIFFERENCE": Kind(function=lambda x: tf.math.squared_difference(x, _other(x))),
    "FLOOR_DIV": Kind(function=lambda x: x + tf.math.floordiv(x * 0.01 + 1.5, 1.0)),
    "FLOOR_MOD": Kind(function=lambda x: x + tf.math.floormod(x * 0.01 + 0.5, 1.0)),
    "ATAN2": Kind(function=lambda x: tf.atan2(x, _positive(_other(x)))),
    # What is decided.
    "GREATER": Kind(function=lambda x: _where(x > 0.0, x)),
    "GREATER_EQUAL": Kind(function=lambda x: _where(x >= 0.0, x)),
    "LESS": Kind(function=lambda x: _where(x < 0.0, x)),
    "LESS_EQUAL": Kind(function=lambda x: _where(x <= 0.0, x)),
    "EQUAL": Kind(function=lambda x: _where(tf.equal(tf.nn.relu(x), 0.0), x)),
    "NOT_EQUAL": Kind(function=lambda x: _where(tf.not_equal(tf.nn.relu(x), 0.0), x)),
    "LOGICAL_AND": Kind(function=lambda x: _where((x > 0.0) & (_other(x) > 0.0), x)),
    "LOGICAL_OR": Kind(function=lambda x: _where((x > 0.0) | (_other(x) > 0.0), x)),
    "LOGICAL_NOT": Kind(function=lambda x: _where(~(x > 0.0), x)),
    "SELECT_V2": Kind(function=lambda x: tf.where(tf.constant([True, False] * 2), x, _other(x))),
    # Many values become one.
    "MEAN": Kind(function=lambda x: tf.reduce_mean(x, (1, 2)), least8=25),
    "SUM": Kind(function=lambda x: tf.reduce_sum(x, (1, 2)), least8=25),
    "REDUCE_MAX": Kind(function=lambda x: tf.reduce_max(x, (1, 2))),
    "REDUCE_MIN": Kind(function=lambda x: tf.reduce_min(x, (1, 2))),
    "REDUCE_PROD": Kind(function=lambda x: tf.reduce_prod(x, -1)),
    "REDUCE_ANY": Kind(function=lambda x: x * _same(tf.reduce_any(x > 1.5, -1, keepdims=True))),
    "REDUCE_ALL": Kind(function=lambda x: x * _same(tf.reduce_all(x > -1.1, -1, keepdims=True))),
    "CUMSUM": Kind(function=lambda x: tf.cumsum(x, -1)),
    "ARG_MAX": Kind(function=lambda x: _same(tf.argmax(x, -1))),
    "ARG_MIN": Kind(function=lambda x: _same(tf.argmin(x, -1))),
    "TOPK_V2": Kind(function=lambda x: tf.math.top_k(x, 2)[0]),
    "L2_POOL_2D": Kind(function=lambda x: tf.sqrt(tf.nn.avg_pool2d(tf.square(x), 2, 2, "VALID"))),
    "AVERAGE_POOL_2D": Kind(function=lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID")),
    "MAX_POOL_2D": Kind(function=lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID")),
    # Values that move.
    "RESHAPE": Kind(function=lambda x: tf.reshape(x, (1, 256))),
    "TRANSPOSE": Kind(function=lambda x: tf.transpose(x, (0, 2, 3, 1))),
    "SLICE": Kind(function=lambda x: tf.slice(x, [0, 1, 1, 0], [1, 3, 3, 4])),
    "STRIDED_SLICE": Kind(function=lambda x: x[:, ::2, 1:]),
    "SPLIT": Kind(function=lambda x: tf.split(x, 2, -1)[1]),
    "SPLIT_V": Kind(function=lambda x: tf.split(x, [1, 3], -1)[1]),
    "UNPACK": Kind(function=lambda x: tf.unstack(x, axis=1)[2]),
    "PACK": Kind(function=lambda x: tf.stack([x, _other(x)])),
    "CONCATENATION": Kind(function=lambda x: tf.concat([x, _other(x), W(1, 8, 8, 2)], -1)),
    "PAD": Kind(function=lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])),
    "PADV2": Kind(
        function=lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=1.5)
    ),
    "MIRROR_PAD": Kind(function=lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")),
    "TILE": Kind(function=lambda x: tf.tile(x, [1, 2, 1, 1])),
    "BROADCAST_TO": Kind(function=lambda x: tf.broadcast_to(x, (3, 8, 8, 4))),
    "GATHER": Kind(function=lambda x: tf.gather(x, [0, 3, 1], axis=1)),
    "GATHER_ND": Kind(function=lambda x: tf.gather_nd(x, [[0, 1, 2], [0, 3, 3]])),
    "REVERSE_V2": Kind(function=lambda x: tf.reverse(x, [1])),
    "REVERSE_SEQUENCE": Kind(function=lambda x: tf.reverse_sequence(x, [5], seq_axis=1)),
    "SPACE_TO_DEPTH": Kind(function=lambda x: tf.nn.space_to_depth(x, 2)),
    "DEPTH_TO_SPACE": Kind(function=lambda x: tf.nn.depth_to_space(x, 2)),
    "SPACE_TO_BATCH_ND": Kind(function=lambda x: tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]])),
    "BATCH_TO_SPACE_ND": Kind(
        function=lambda x: tf.batch_to_space(tf.tile(x, [4, 1, 1, 1]), [2, 2], [[1, 1], [0, 0]])
    ),
    "DYNAMIC_UPDATE_SLICE": Kind(
        function=lambda x: tf.tensor_scatter_nd_update(x, [[0, 3], [0, 5]], _other(x)[0, :2])
    ),
    "FILL": Kind(function=lambda x: x + tf.fill(tf.shape(x), 0.3)),
    "ZEROS_LIKE": Kind(function=lambda x: tf.where(x > 0.0, x, tf.zeros_like(x))),
    "WHERE": Kind(function=lambda x: x + _same(tf.reduce_sum(tf.where(x > 1.0)[:, 3]) % 5)),
    "BUCKETIZE": Kind(
        function=lambda x: _same(tf.raw_ops.Bucketize(input=x, boundaries=[-1.1, 0.1, 1.2]))
    ),
    "MATRIX_DIAG": Kind(function=lambda x: tf.linalg.diag(x[:, 0, 0])),
    "MATRIX_SET_DIAG": Kind(function=lambda x: tf.linalg.set_diag(x[:, 0], _other(x)[:, 0, 0])),
    "ONE_HOT": Kind(function=lambda x: x * tf.one_hot(tf.argmax(x, -1), 4, 0.9, 0.2)),
    "RESIZE_BILINEAR": Kind(function=lambda x: tf.image.resize(x, (16, 16))),
    "RESIZE_NEAREST_NEIGHBOR": Kind(function=lambda x: tf.image.resize(x, (16, 16), "nearest")),
    "CAST": Kind(function=lambda x: _same(tf.cast(x * 8 + 0.5, tf.int32)), least8=25, least16=25),
    "SEGMENT_SUM": Kind(function=lambda x: tf.math.segment_sum(x[0], [0, 0, 1, 1, 1, 2, 2, 2])),
    "UNSORTED_SEGMENT_MAX": Kind(
        function=lambda x: tf.math.unsorted_segment_max(x[0], [0, 1, 0, 1, 2, 2, 0, 1], 3)
    ),
    # Values and weights.
    "CONV_2D": Weighted(function=_linear(lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"), 3, 3, 4, 6)),
    "CONV_2D, dilated": Weighted(
        function=_linear(lambda x, w: tf.nn.conv2d(x, w, 1, "SAME", dilations=2), 3, 3, 4, 6)
    ),
    "CONV_2D, grouped": Weighted(
        function=_linear(lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"), 3, 3, 2, 6)
    ),
    "DEPTHWISE_CONV_2D": Weighted(
        function=_linear(lambda x, w: tf.nn.depthwise_conv2d(x, w, [1] * 4, "SAME"), 3, 3, 4, 2)
    ),
    "TRANSPOSE_CONV": Weighted(
        function=_linear(
            lambda x, w: tf.nn.conv2d_transpose(x, w, (1, 16, 16, 6), 2, "SAME"), 3, 3, 6, 4
        )
    ),
    "CONV_3D": Kind(
        function=_linear(lambda x, w: tf.nn.conv3d(x[..., None], w, [1] * 5, "SAME"), 3, 3, 3, 1, 2)
    ),
    "CONV_3D_TRANSPOSE": Kind(
        function=_linear(
            lambda x, w: tf.nn.conv3d_transpose(x[..., None], w, (1, 8, 8, 4, 2), [1] * 5),
            3,
            3,
            3,
            2,
            1,
        )
    ),
    "FULLY_CONNECTED": Weighted(function=_linear(tf.matmul, 16, 5), shape=ROWS),
    "BATCH_MATMUL": Kind(
        function=lambda x: tf.matmul(
            tf.reshape(x, (1, 4, 8, 8)), tf.reshape(_other(x), (1, 4, 8, 8)), transpose_b=True
        )
    ),
    "einsum": Kind(function=lambda x: tf.einsum("bhwc,bkwc->bhkc", x, _other(x))),
    "WHILE": Kind(function=_loop),
    "RFFT2D": Kind(function=lambda x: tf.abs(tf.signal.rfft(x)), shape=ROWS),
}
