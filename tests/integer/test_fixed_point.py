"""Convolutions with weights of 4 bits, which run on LiteRT's own kernels in fixed point."""

import numpy as np
import ops
import pytest
from ops import T


def _scales(rng, outputs, source, target, taps):
    typical = target * 0.4 / (source * np.sqrt(taps))
    return (typical * rng.uniform(0.3, 3, outputs)).astype(np.float32)


@pytest.mark.parametrize("stride, rate, groups", [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2)])
@pytest.mark.parametrize("activation", [0, 1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_conv_2d(stride, rate, groups, activation, seed):
    rng = np.random.default_rng(seed)
    inputs, outputs = groups * int(rng.integers(1, 9)), groups * int(rng.integers(1, 20))
    taps = 1 if seed == 3 else 3
    source, target = ops.scale(rng), ops.scale(rng)
    scales = _scales(rng, outputs, source, target, taps * taps * inputs)
    weights = rng.integers(-7, 8, (outputs, taps, taps, inputs // groups))
    image = (1, 8, 8, inputs)
    content = ops.file(
        "CONV_2D",
        [
            T(image, scale=source, zero=ops.zero(rng)),
            ops.constant(weights, "int4", scale=scales),
            ops.constant(rng.integers(-500, 500, outputs), scale=source * scales),
        ],
        [T((1, 8 // stride, 8 // stride, outputs), scale=target, zero=ops.zero(rng))],
        ops.options(
            "Conv2DOptions",
            padding=0,
            strideH=stride,
            strideW=stride,
            dilationHFactor=rate,
            dilationWFactor=rate,
            fusedActivationFunction=activation,
        ),
    )
    assert not ops.delegated(content)
    ops.check(content, {"t0": ops.codes(rng, image)})


def test_sums_wrap_where_the_output_scale_is_tiny():
    rng = np.random.default_rng(0)
    weights = rng.integers(-7, 8, (9, 1, 1, 4))
    image = (1, 8, 8, 4)
    content = ops.file(
        "CONV_2D",
        [
            T(image, scale=0.02, zero=16),
            ops.constant(weights, "int4", scale=np.geomspace(1e-3, 1, 9)),
            ops.constant(np.zeros(9), scale=0.02 * np.geomspace(1e-3, 1, 9)),
        ],
        [T((1, 8, 8, 9), scale=8e-9, zero=0)],
        ops.options(
            "Conv2DOptions",
            padding=0,
            strideH=1,
            strideW=1,
            dilationHFactor=1,
            dilationWFactor=1,
            fusedActivationFunction=1,
        ),
    )
    (made,) = ops.check(content, {"t0": ops.codes(rng, image)})
    assert {0, 127} <= set(made.ravel().tolist())


@pytest.mark.parametrize("stride, rate, multiplier", [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2)])
@pytest.mark.parametrize("seed", range(6))
def test_depthwise_conv_2d(stride, rate, multiplier, seed):
    rng = np.random.default_rng(seed)
    inputs, taps = int(rng.integers(1, 20)), 5 if seed == 5 else 3
    channels = inputs * multiplier
    source, target = ops.scale(rng), ops.scale(rng)
    scales = _scales(rng, channels, source, target, taps * taps)
    weights = rng.integers(-7, 8, (1, taps, taps, channels))
    image = (1, 8, 8, inputs)
    content = ops.file(
        "DEPTHWISE_CONV_2D",
        [
            T(image, scale=source, zero=ops.zero(rng)),
            ops.constant(weights, "int4", scale=scales, axis=3),
            ops.constant(rng.integers(-500, 500, channels), scale=source * scales),
        ],
        [T((1, 8 // stride, 8 // stride, channels), scale=target, zero=ops.zero(rng))],
        ops.options(
            "DepthwiseConv2DOptions",
            padding=0,
            strideH=stride,
            strideW=stride,
            dilationHFactor=rate,
            dilationWFactor=rate,
            depthMultiplier=multiplier,
        ),
    )
    assert not ops.delegated(content)
    ops.check(content, {"t0": ops.codes(rng, image)})


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_the_last_bit_of_the_multiplier(per_channel, seed):
    rng = np.random.default_rng(seed)
    source, target = ops.scale(rng), ops.scale(rng)
    spread = rng.uniform(1, 2, 254 if per_channel else 1)
    scales = (spread * 1e-7 * target / source).astype(np.float32)
    factors = source.astype(np.float64) * scales / target
    bias = np.rint((np.arange(-127, 127) + 0.5) / factors).astype(np.int64)
    content = ops.file(
        "FULLY_CONNECTED",
        [
            T((1, 1), scale=source, zero=5),
            ops.constant(np.ones((254, 1)), "int4", scale=scales),
            ops.constant(bias, scale=source * scales),
        ],
        [T((1, 254), scale=target)],
        ops.options("FullyConnectedOptions"),
    )
    assert not ops.delegated(content)
    ops.check(content, {"t0": np.arange(-10, 22, dtype=np.int8)[:, None]})


# XNNPACK refuses rows of 4 bits that do not end with a byte.
@pytest.mark.parametrize("inputs", [5, 17, 64])
@pytest.mark.parametrize("seed", range(3))
def test_fully_connected(seed, inputs):
    rng = np.random.default_rng(seed)
    outputs = int(rng.integers(1, 40))
    source, target = ops.scale(rng), ops.scale(rng)
    scales = _scales(rng, outputs if seed else 1, source, target, inputs)
    content = ops.file(
        "FULLY_CONNECTED",
        [
            T((1, inputs), scale=source, zero=ops.zero(rng)),
            ops.constant(rng.integers(-7, 8, (outputs, inputs)), "int4", scale=scales),
            ops.constant(rng.integers(-500, 500, outputs), scale=source * scales),
        ],
        [T((1, outputs), scale=target, zero=ops.zero(rng))],
        ops.options("FullyConnectedOptions"),
    )
    assert ops.delegated(content) == (inputs == 64)
    ops.check(content, {"t0": ops.codes(rng, (1, inputs), samples=32)})
