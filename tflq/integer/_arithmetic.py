"""The arithmetic that integer kernels share: how sums become codes, and where they saturate."""

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tflq.integer._site import Codes, Value

_BOUNDS = {
    schema.ActivationFunctionType.NONE: (-np.inf, np.inf),
    schema.ActivationFunctionType.RELU: (0.0, np.inf),
    schema.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
    schema.ActivationFunctionType.RELU6: (0.0, 6.0),
}


def knows_activation(options: object) -> bool:
    """Whether the fused activation of an op, if it has one, is a clamp."""
    return getattr(options, "fusedActivationFunction", 0) in _BOUNDS


def activation_bounds(options: object) -> tuple[float, float]:
    """The range of numbers that the fused activation of an op leaves."""
    return _BOUNDS[getattr(options, "fusedActivationFunction", 0)]


def delegated_limits(options: object, target: Codes) -> tuple[int, int]:
    """Codes at which XNNPACK clamps a fused activation: the bound's code, rounded half to even."""
    codes = [
        np.float32(bound) / target.one_scale + np.float32(target.one_zero)
        for bound in activation_bounds(options)
    ]
    low, high = np.rint(np.clip(codes, target.low, target.high)).astype(int)
    return int(low), int(high)


def builtin_limits(options: object, target: Codes) -> tuple[int, int]:
    """Codes at which LiteRT's own kernels clamp: the bound is rounded half away from zero."""
    low, high = (np.float32(bound) / target.one_scale for bound in activation_bounds(options))
    first, last = target.low, target.high
    if np.isfinite(low):
        first = max(first, target.one_zero + _half_away(low))
    if np.isfinite(high):
        last = min(last, target.one_zero + _half_away(high))
    return first, last


def _half_away(number: np.float32) -> int:
    return int(np.trunc(number + np.copysign(np.float32(0.5), number)))


def requantize(
    sums: Value, factor: np.ndarray | np.float32, target: Codes, limits: tuple[int, int]
) -> Value:
    """Codes of int32 sums: clamp(round_half_even(float32(sum) * factor) + zero).

    Args:
        sums: int32.
        factor: float32, one or one a channel of the last axis.
        target: the codes to make.
        limits: the smallest and the largest code.
    """
    scaled = tf.round(tf.cast(sums, tf.float32) * factor)
    return tf.clip_by_value(scaled + float(target.one_zero), float(limits[0]), float(limits[1]))


def centred(x: Value, codes: Codes) -> Value:
    """Codes less their zero point: whole numbers in float32."""
    return x - float(codes.one_zero) if codes.one_zero else x


def whole(x: Value) -> Value:
    """Codes as int32."""
    return tf.cast(x, tf.int32)


def aligned(x: Value, shape: tuple[int, ...], rank: int) -> Value:
    """A value of a given file shape, with ones behind the samples: it broadcasts to `rank`."""
    if len(shape) == rank:
        return x
    return tf.reshape(x, [-1, *[1] * (rank - len(shape)), *shape])


def merged(x: Value, shape: tuple[int, ...]) -> Value:
    """Samples and the file's batch as one axis."""
    return tf.reshape(x, [-1, *shape[1:]])


def parted(x: Value, shape: tuple[int, ...]) -> Value:
    """Samples and the file's batch as two axes again."""
    return tf.reshape(x, [-1, *shape])
