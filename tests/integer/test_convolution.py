import numpy as np
import ops
import pytest
from ops import T

NONE, RELU, RELU_N1, RELU6 = 0, 1, 2, 3
SAME, VALID = 0, 1


def _scales(rng, channels, per_channel, source, target, taps):
    """Scales that spread the sums over the codes, and now and then far beyond."""
    typical = target * 0.02 / (source * np.sqrt(taps)) * rng.uniform(0.2, 4)
    spread = rng.uniform(0.3, 3, channels if per_channel else 1)
    return (typical * spread).astype(np.float32)


def _layer(rng, dtype, weights, outputs, axis, per_channel, taps):
    source, target = ops.scale(rng), ops.scale(rng)
    scales = _scales(rng, outputs, per_channel and dtype == "int8", source, target, taps)
    bias = rng.integers(-3000, 3000, outputs).astype(np.int32)
    kernel = ops.constant(
        weights, dtype, scale=scales, zero=0 if dtype == "int8" else 128, axis=axis
    )
    return source, target, kernel, ops.constant(bias, scale=source * scales)


def _weights(rng, dtype, shape):
    return rng.integers(-127, 128, shape) + (128 if dtype == "uint8" else 0)


@pytest.mark.parametrize("seed", range(14))
def test_conv_2d(seed):
    rng = np.random.default_rng(seed)
    dtype = "uint8" if seed % 7 == 6 else "int8"
    height, width = rng.integers(1, 4, 2)
    inputs, outputs = int(rng.integers(1, 9)), int(rng.integers(1, 18))
    image = (1, int(rng.integers(7, 12)), int(rng.integers(7, 12)), inputs)
    weights = _weights(rng, dtype, (outputs, height, width, inputs))
    source, target, kernel, bias = _layer(
        rng, dtype, weights, outputs, 0, bool(seed % 2), height * width * inputs
    )
    stride = 2 if seed % 5 == 4 else 1
    options = ops.options(
        "Conv2DOptions",
        padding=seed % 2,
        strideH=stride,
        strideW=stride if seed % 3 else 1,
        dilationHFactor=2 if seed % 4 == 3 else 1,
        dilationWFactor=2 if seed % 4 == 3 else 1,
        fusedActivationFunction=(NONE, RELU, RELU6, RELU_N1)[seed % 4],
    )
    x = T(image, dtype, scale=source, zero=ops.zero(rng, dtype))
    y = T(
        (1, *_out(image, (height, width), options), outputs),
        dtype,
        scale=target,
        zero=ops.zero(rng, dtype),
    )
    content = ops.file("CONV_2D", [x, kernel, bias], [y], options)
    assert ops.delegated(content)
    ops.check(content, {"t0": ops.codes(rng, image, dtype)})


def _out(image, window, options):
    sizes = []
    strides = (options.strideH, options.strideW)
    rates = (options.dilationHFactor, options.dilationWFactor)
    for size, taps, stride, rate in zip(image[1:3], window, strides, rates, strict=True):
        reach = (taps - 1) * rate + 1
        sizes.append(-(-(size if options.padding == SAME else size - reach + 1) // stride))
    return [int(n) for n in sizes]


@pytest.mark.parametrize("seed", range(12))
def test_depthwise_conv_2d(seed):
    rng = np.random.default_rng(seed)
    dtype = "uint8" if seed % 7 == 6 else "int8"
    window = tuple(int(n) for n in rng.integers(1, 6, 2))
    channels, multiplier = int(rng.integers(1, 20)), 1 + seed % 2
    image = (1, int(rng.integers(9, 12)), int(rng.integers(9, 12)), channels)
    outputs = channels * multiplier
    weights = _weights(rng, dtype, (1, *window, outputs))
    source, target, kernel, bias = _layer(
        rng, dtype, weights, outputs, 3, bool(seed % 3), window[0] * window[1]
    )
    rate = 2 if seed % 4 == 3 and max(window) < 5 else 1
    options = ops.options(
        "DepthwiseConv2DOptions",
        padding=seed % 2,
        strideH=2 if seed % 5 == 1 else 1,
        strideW=2 if seed % 5 in (1, 2) else 1,
        dilationHFactor=rate,
        dilationWFactor=rate,
        depthMultiplier=multiplier,
        fusedActivationFunction=(NONE, RELU, RELU6, RELU_N1)[seed % 4],
    )
    x = T(image, dtype, scale=source, zero=ops.zero(rng, dtype))
    y = T(
        (1, *_out(image, window, options), outputs), dtype, scale=target, zero=ops.zero(rng, dtype)
    )
    content = ops.file("DEPTHWISE_CONV_2D", [x, kernel, bias], [y], options)
    ops.check(content, {"t0": ops.codes(rng, image, dtype)})


@pytest.mark.parametrize("seed", range(8))
def test_fully_connected(seed):
    rng = np.random.default_rng(seed)
    inputs, outputs = int(rng.integers(1, 70)), int(rng.integers(1, 40))
    weights = _weights(rng, "int8", (outputs, inputs))
    source, target, kernel, bias = _layer(rng, "int8", weights, outputs, 0, bool(seed % 2), inputs)
    options = ops.options("FullyConnectedOptions", fusedActivationFunction=(NONE, RELU6)[seed % 2])
    x = T((1, inputs), scale=source, zero=ops.zero(rng))
    y = T((1, outputs), scale=target, zero=ops.zero(rng))
    content = ops.file("FULLY_CONNECTED", [x, kernel, bias], [y], options)
    assert ops.delegated(content)
    ops.check(content, {"t0": ops.codes(rng, (1, inputs))})


def test_sums_beyond_24_bits_are_exact():
    rng = np.random.default_rng(0)
    inputs, outputs = 3000, 5
    weights = np.full((outputs, inputs), 127)
    weights[1:] -= rng.integers(0, 3, (outputs - 1, inputs))
    # So narrow a step that the last bit of a sum shows in the code.
    source = target = np.float32(0.5)
    kernel = ops.constant(weights, "int8", scale=np.full(outputs, 1.1, np.float32))
    x = np.full((4, inputs), 127, np.int8) - rng.integers(0, 2, (4, inputs)).astype(np.int8)
    sums = (x.astype(np.int64) + 128) @ weights.T
    assert sums.min() > 2**24
    bias = ops.constant(-sums[0] + np.arange(-2, 3), scale=np.full(outputs, 0.55))
    content = ops.file(
        "FULLY_CONNECTED",
        [T((1, inputs), scale=source, zero=-128), kernel, bias],
        [T((1, outputs), scale=target, zero=0)],
        ops.options("FullyConnectedOptions"),
    )
    made = ops.check(content, {"t0": x})[0]
    assert len(np.unique(made[0])) == outputs


def test_convolutions_beyond_24_bits_are_exact():
    rng = np.random.default_rng(0)
    image, outputs = (1, 4, 4, 512), 3
    weights = rng.integers(90, 128, (outputs, 3, 3, 512))
    scales = np.full(outputs, 3e-5, np.float32)
    bias = -(weights.reshape(outputs, -1).sum(1) * 503 // 2)
    kernel = ops.constant(weights, "int8", scale=scales)
    options = ops.options(
        "Conv2DOptions", padding=VALID, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1
    )
    content = ops.file(
        "CONV_2D",
        [T(image, scale=1.0, zero=-128), kernel, ops.constant(bias, scale=scales)],
        [T((1, 2, 2, outputs), scale=0.01, zero=0)],
        options,
    )
    x = rng.integers(120, 128, (3, *image[1:])).astype(np.int8)
    (made,) = ops.check(content, {"t0": x})
    assert len(np.unique(made)) > 20


@pytest.mark.parametrize("kind", ["FULLY_CONNECTED", "CONV_2D", "TRANSPOSE_CONV"])
@pytest.mark.parametrize("seed", range(12))
def test_the_order_of_float_operations(kind, seed):
    rng = np.random.default_rng(seed)
    source, target = ops.scale(rng), ops.scale(rng)
    scales = (rng.uniform(1, 2, 254) * 1e-7 * target / source).astype(np.float32)
    factors = source.astype(np.float64) * scales / target
    bias = np.rint((np.arange(-127, 127) + 0.5) / factors).astype(np.int64)
    x = T((1, 1) if kind == "FULLY_CONNECTED" else (1, 1, 1, 1), scale=source, zero=5)
    y = T((1, 254) if kind == "FULLY_CONNECTED" else (1, 1, 1, 254), scale=target, zero=0)
    weights = np.ones((254, *x.shape[1:]), int)
    kernel = ops.constant(weights, "int8", scale=scales)
    inputs = [x, kernel, ops.constant(bias, scale=source * scales)]
    if kind == "TRANSPOSE_CONV":
        inputs = [ops.constant(y.shape), kernel, x, inputs[2]]
        options = ops.options("TransposeConvOptions", strideH=1, strideW=1)
    elif kind == "CONV_2D":
        options = ops.options(
            "Conv2DOptions", strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1
        )
    else:
        options = ops.options("FullyConnectedOptions")
    content = ops.file(kind, inputs, [y], options)
    assert ops.delegated(content)
    feeds = {f"t{inputs.index(x)}": np.arange(-10, 22, dtype=np.int8).reshape(32, *x.shape[1:])}
    ops.check(content, feeds)


@pytest.mark.parametrize("zero", [-100, -99, -20, -19])
def test_caps_between_two_codes(zero):
    # 6 lies half a code above a code: which way it is rounded depends on the zero point.
    scale = np.float32(12 / 201)
    assert np.float32(6.0) / scale == 100.5
    content = ops.file(
        "FULLY_CONNECTED",
        [T((1, 1), scale=1.0), ops.constant([[1]], "int8", scale=[1.0])],
        [T((1, 1), scale=scale, zero=zero)],
        ops.options("FullyConnectedOptions", fusedActivationFunction=RELU6),
    )
    (made,) = ops.check(content, {"t0": np.arange(-128, 128, dtype=np.int8)[:, None]})
    assert made.max() in (zero + 100, zero + 101)


def test_ties_round_to_even():
    # Sums of 1, 3, 5, ... halved are ties all.
    kernel = ops.constant([[1]], "int8", scale=[1.0])
    content = ops.file(
        "FULLY_CONNECTED",
        [T((1, 1), scale=0.5), kernel, None],
        [T((1, 1), scale=1.0, zero=3)],
        ops.options("FullyConnectedOptions"),
    )
    x = np.arange(-128, 128, dtype=np.int8)[:, None]
    (made,) = ops.check(content, {"t0": x})
    assert made[128 + 1] == 3
    assert made[128 + 3] == 5
