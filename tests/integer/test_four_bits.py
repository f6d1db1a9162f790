"""Convolutions with weights of 4 bits, which run on LiteRT's own kernels in fixed point."""

import numpy as np
import ops
import pytest
from ops import T


def _scales(rng, outputs, source, target, taps):
    typical = target * 0.4 / (source * np.sqrt(taps))
    return (typical * rng.uniform(0.3, 3, outputs)).astype(np.float32)


@pytest.mark.parametrize("activation", [0, 1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_conv_2d(activation, seed):
    rng = np.random.default_rng(seed)
    inputs, outputs, taps = int(rng.integers(1, 9)), int(rng.integers(1, 40)), 3
    source, target = ops.scale(rng), ops.scale(rng)
    scales = _scales(rng, outputs, source, target, taps * taps * inputs)
    weights = rng.integers(-7, 8, (outputs, taps, taps, inputs))
    image = (1, 8, 8, inputs)
    content = ops.file(
        "CONV_2D",
        [
            T(image, scale=source, zero=ops.zero(rng)),
            ops.constant(weights, "int4", scale=scales),
            ops.constant(rng.integers(-500, 500, outputs), scale=source * scales),
        ],
        [T((1, 8, 8, outputs), scale=target, zero=ops.zero(rng))],
        ops.options(
            "Conv2DOptions",
            padding=0,
            strideH=1,
            strideW=1,
            dilationHFactor=1,
            dilationWFactor=1,
            fusedActivationFunction=activation,
        ),
    )
    assert not ops.delegated(content)
    ops.check(content, {"t0": ops.codes(rng, image)})


@pytest.mark.parametrize("seed", range(8))
def test_depthwise_conv_2d(seed):
    rng = np.random.default_rng(seed)
    channels, taps = int(rng.integers(1, 20)), 3
    source, target = ops.scale(rng), ops.scale(rng)
    scales = _scales(rng, channels, source, target, taps * taps)
    weights = rng.integers(-7, 8, (1, taps, taps, channels))
    image = (1, 8, 8, channels)
    content = ops.file(
        "DEPTHWISE_CONV_2D",
        [
            T(image, scale=source, zero=ops.zero(rng)),
            ops.constant(weights, "int4", scale=scales, axis=3),
            ops.constant(rng.integers(-500, 500, channels), scale=source * scales),
        ],
        [T((1, 8, 8, channels), scale=target, zero=ops.zero(rng))],
        ops.options(
            "DepthwiseConv2DOptions",
            padding=0,
            strideH=1,
            strideW=1,
            dilationHFactor=1,
            dilationWFactor=1,
            depthMultiplier=1,
        ),
    )
    assert not ops.delegated(content)
    ops.check(content, {"t0": ops.codes(rng, image)})


@pytest.mark.parametrize("seed", range(3))
def test_fully_connected(seed):
    rng = np.random.default_rng(seed)
    inputs, outputs = int(rng.integers(2, 70)), int(rng.integers(1, 40))
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
    ops.check(content, {"t0": ops.codes(rng, (1, inputs))})
