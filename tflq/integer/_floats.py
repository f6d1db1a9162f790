"""Ops on numbers instead of codes.

They are float islands of an integer file, arithmetic on token ids and, between decoding and
encoding, what stands in for integer kernels that are not known.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tflq.integer import _float_layers as layers
from tflq.integer._arithmetic import activation_bounds, aligned
from tflq.integer._reduction import axes
from tflq.integer._site import Function, Site, Value


def _unary(function: Callable[[Value], Value]) -> Function:
    return lambda site, values: [function(values[0])]


def _binary(function: Callable[[Value, Value], Value]) -> Function:
    def evaluate(site: Site, values: Sequence[Value]) -> list[Value]:
        a, b = _broadcastable(site, values)
        return [clamped(site, function(a, b))]

    return evaluate


def _reduced(function: Callable[..., Value]) -> Function:
    def evaluate(site: Site, values: Sequence[Value]) -> list[Value]:
        return [tf.reshape(function(values[0], axes(site)), [-1, *site.output.shape])]

    return evaluate


def clamped(site: Site, x: Value) -> Value:
    """The fused activation, which numbers of other dtypes do not have."""
    low, high = activation_bounds(site.options)
    if (low, high) == (-np.inf, np.inf):
        return x
    return tf.clip_by_value(x, tf.cast(low, x.dtype), tf.cast(high, x.dtype))


def _broadcastable(site: Site, values: Sequence[Value]) -> list[Value]:
    rank = len(site.output.shape)
    return [aligned(value, site.input(i).shape, rank) for i, value in enumerate(values)]


def _select(site: Site, values: Sequence[Value]) -> list[Value]:
    return [tf.where(*_broadcastable(site, values))]


def _leaky_relu(site: Site, values: Sequence[Value]) -> list[Value]:
    return [tf.where(values[0] >= 0, values[0], values[0] * site.options.alpha)]


def _gelu(site: Site, values: Sequence[Value]) -> list[Value]:
    return [tf.nn.gelu(values[0], approximate=bool(site.options and site.options.approximate))]


def _softmax(site: Site, values: Sequence[Value]) -> list[Value]:
    return [tf.nn.softmax(values[0] * site.options.beta)]


def _cast(site: Site, values: Sequence[Value]) -> list[Value]:
    return [tf.cast(values[0], site.output.dtype)]


def _place_of_largest(sign: int) -> Function:
    def evaluate(site: Site, values: Sequence[Value]) -> list[Value]:
        axis = int(np.ravel(site.constant(1))[0]) % len(site.input(0).shape) + 1
        return [tf.argmax(values[0] * sign, axis, output_type=site.output.dtype)]

    return evaluate


def _embedding_lookup(site: Site, values: Sequence[Value]) -> list[Value]:
    return [tf.gather(values[1][0], values[0])]


def _cumulated(site: Site, values: Sequence[Value]) -> list[Value]:
    axis = int(np.ravel(site.constant(1))[0]) % len(site.input(0).shape) + 1
    options = site.options
    return [tf.cumsum(values[0], axis, bool(options.exclusive), bool(options.reverse))]


_UNARY: dict[str, Any] = {
    "ABS": tf.abs,
    "CEIL": tf.math.ceil,
    "COS": tf.cos,
    "ELU": tf.nn.elu,
    "EXP": tf.exp,
    "FLOOR": tf.floor,
    "HARD_SWISH": lambda x: x * tf.nn.relu6(x + 3.0) / 6.0,
    "LOG": tf.math.log,
    "LOGICAL_NOT": tf.logical_not,
    "LOGISTIC": tf.sigmoid,
    "LOG_SOFTMAX": tf.nn.log_softmax,
    "L2_NORMALIZATION": lambda x: tf.math.l2_normalize(x, -1),
    "NEG": tf.negative,
    "RELU": tf.nn.relu,
    "RELU6": tf.nn.relu6,
    "RELU_0_TO_1": lambda x: tf.clip_by_value(x, 0.0, 1.0),
    "RELU_N1_TO_1": lambda x: tf.clip_by_value(x, -1.0, 1.0),
    "ROUND": tf.round,
    "RSQRT": tf.math.rsqrt,
    "SIGN": tf.sign,
    "SIN": tf.sin,
    "SQRT": tf.sqrt,
    "SQUARE": tf.square,
    "TANH": tf.tanh,
    "ZEROS_LIKE": tf.zeros_like,
}
_BINARY: dict[str, Any] = {
    "ADD": tf.add,
    "DIV": lambda a, b: a / b if a.dtype.is_floating else tf.truncatediv(a, b),
    "EQUAL": tf.equal,
    "FLOOR_DIV": tf.math.floordiv,
    "FLOOR_MOD": tf.math.floormod,
    "GREATER": tf.greater,
    "GREATER_EQUAL": tf.greater_equal,
    "LESS": tf.less,
    "LESS_EQUAL": tf.less_equal,
    "LOGICAL_AND": tf.logical_and,
    "LOGICAL_OR": tf.logical_or,
    "MAXIMUM": tf.maximum,
    "MINIMUM": tf.minimum,
    "MUL": tf.multiply,
    "NOT_EQUAL": tf.not_equal,
    "POW": tf.pow,
    "PRELU": lambda x, slope: tf.where(x >= 0, x, x * slope),
    "SQUARED_DIFFERENCE": tf.math.squared_difference,
    "SUB": tf.subtract,
}
_REDUCED: dict[str, Any] = {
    "MEAN": tf.reduce_mean,
    "REDUCE_ALL": tf.reduce_all,
    "REDUCE_ANY": tf.reduce_any,
    "REDUCE_MAX": tf.reduce_max,
    "REDUCE_MIN": tf.reduce_min,
    "REDUCE_PROD": tf.reduce_prod,
    "SUM": tf.reduce_sum,
}

FLOATS: dict[str, Function] = {
    **{kind: _unary(function) for kind, function in _UNARY.items()},
    **{kind: _binary(function) for kind, function in _BINARY.items()},
    **{kind: _reduced(function) for kind, function in _REDUCED.items()},
    "ARG_MAX": _place_of_largest(1),
    "ARG_MIN": _place_of_largest(-1),
    "AVERAGE_POOL_2D": layers.average_pool,
    "BATCH_MATMUL": layers.batch_matmul,
    "CAST": _cast,
    "CONV_2D": layers.conv_2d,
    "CUMSUM": _cumulated,
    "DEPTHWISE_CONV_2D": layers.depthwise_conv_2d,
    "DEQUANTIZE": _cast,
    "EMBEDDING_LOOKUP": _embedding_lookup,
    "FULLY_CONNECTED": layers.fully_connected,
    "GELU": _gelu,
    "LEAKY_RELU": _leaky_relu,
    "MAX_POOL_2D": layers.max_pool,
    "RESIZE_BILINEAR": layers.resize_bilinear,
    "SELECT": _select,
    "SELECT_V2": _select,
    "SOFTMAX": _softmax,
    "TRANSPOSE_CONV": layers.transpose_conv,
}
