"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED.

sum = sum((x - z_x) * w) + bias; y = clamp(round_half_even(float32(sum) * (s_x * s_w / s_y)) + z_y)
in XNNPACK. LiteRT's own kernels, which run where XNNPACK refuses an op, such as a convolution with
weights of 4 bits, multiply in fixed point instead.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tflq.integer._arithmetic import (
    builtin_limits,
    centred,
    delegated_limits,
    merged,
    parted,
    requantize,
)
from tflq.integer._fixed_point import HalfUp, finished
from tflq.integer._site import Codes, Site, Value
from tflq.integer._sums import convolved, depthwise, multiplied
from tflq.integer._windows import dilations, margins, padded, strides

_LANES = 8


def conv_2d(site: Site, values: Sequence[Value]) -> list[Value]:
    """A convolution; its weights are (outputs, height, width, inputs)."""
    weights = _weights(site).transpose(1, 2, 3, 0)
    image = _padded_image(site, values[0], (weights.shape[0], weights.shape[1]))
    sums = convolved(
        image,
        weights,
        reach(site.source),
        strides=strides(site.options),
        dilations=dilations(site.options),
    )
    return [_finished(site, sums)]


def depthwise_conv_2d(site: Site, values: Sequence[Value]) -> list[Value]:
    """A convolution of each channel; its weights are (1, height, width, inputs * multiplier)."""
    weights = _weights(site)[0]
    channels = site.input(0).shape[-1]
    image = _padded_image(site, values[0], (weights.shape[0], weights.shape[1]))
    sums = depthwise(
        image,
        weights.reshape(*weights.shape[:2], channels, -1),
        strides=strides(site.options),
        dilations=dilations(site.options),
    )
    return [_finished(site, sums)]


def fully_connected(site: Site, values: Sequence[Value]) -> list[Value]:
    """A dense layer; its weights are (outputs, inputs)."""
    weights = _weights(site).T
    rows = tf.reshape(centred(values[0], site.source), [-1, weights.shape[0]])
    return [_finished(site, multiplied(rows, weights, reach(site.source)))]


def reach(codes: Codes) -> int:
    """The largest absolute value of a code less its zero point."""
    return max(codes.high - codes.one_zero, codes.one_zero - codes.low)


def coded(site: Site, sums: Value, source: Codes, weights: Codes) -> Value:
    """Codes of the sums, bias included: XNNPACK multiplies in float32, LiteRT in fixed point."""
    target, options = site.target, site.options
    if site.delegated:
        factor = source.one_scale * weights.scale / target.one_scale
        return requantize(sums, factor, target, delegated_limits(options, target))
    if site.kind == "FULLY_CONNECTED" and len(weights.scale) == 1:
        product = (source.one_scale * weights.scale).astype(np.float64)
    else:
        product = np.float64(source.one_scale) * weights.scale.astype(np.float64)
    factors = product / np.float64(target.one_scale)
    limits = builtin_limits(options, target)
    return finished(sums, factors, target, limits, half_up=_half_up(site))


def _half_up(site: Site) -> HalfUp:
    """For which channels the kernel's vector instructions round halves up at the shift.

    Depthwise and transposed convolutions leave the last channels, which fill no vector, to a loop
    that rounds them away from zero, as grouped convolutions do all of them.
    """
    channels = np.arange(site.output.shape[-1])
    if site.kind in ("DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
        return channels < len(channels) // _LANES * _LANES
    grouped = site.input(1).shape[-1] != site.input(0).shape[-1]
    return not (site.kind == "CONV_2D" and grouped)


def _weights(site: Site) -> np.ndarray:
    place = site.input(1)
    return site.constant(1).astype(np.int32) - place.known.one_zero


def _padded_image(site: Site, x: Value, window: tuple[int, int]) -> Value:
    shape = site.input(0).shape
    around = margins(site.options, (shape[1], shape[2]), window, dilations(site.options))
    return padded(merged(centred(x, site.source), shape), around)


def _finished(site: Site, sums: Value) -> Value:
    if site.has(2):
        sums = sums + tf.constant(site.constant(2).astype(np.int32))
    codes = coded(site, sums, site.source, site.input(1).known)
    return parted(codes, site.output.shape)
