import numpy as np
import ops
import pytest
from ops import T

NONE, RELU, RELU6 = 0, 1, 3


def _same(rng, image, out, dtype="int8"):
    scale, zero = ops.scale(rng, 1e-2, 1), ops.zero(rng, dtype)
    return T(image, dtype, scale=scale, zero=zero), T(out, dtype, scale=scale, zero=zero)


def _pool(rng, seed, dtype):
    image = (1, int(rng.integers(5, 10)), int(rng.integers(5, 10)), int(rng.integers(1, 20)))
    window = rng.integers(1, 5, 2)
    strides = rng.integers(1, 4, 2)
    padding = seed % 2
    out = [
        -(-(size - taps * padding + padding) // stride)
        for size, taps, stride in zip(image[1:3], window, strides, strict=True)
    ]
    options = ops.options(
        "Pool2DOptions",
        padding=padding,
        strideH=int(strides[0]),
        strideW=int(strides[1]),
        filterHeight=int(window[0]),
        filterWidth=int(window[1]),
        fusedActivationFunction=(NONE, RELU6, RELU)[seed % 3],
    )
    x, y = _same(rng, image, (1, *map(int, out), image[3]), dtype)
    return x, y, options


@pytest.mark.parametrize("kind", ["MAX_POOL_2D", "AVERAGE_POOL_2D"])
@pytest.mark.parametrize("seed", range(12))
def test_pools(kind, seed):
    rng = np.random.default_rng(seed)
    dtype = "uint8" if seed % 6 == 5 else "int8"
    x, y, options = _pool(rng, seed, dtype)
    content = ops.file(kind, [x], [y], options)
    ops.check(content, {"t0": ops.codes(rng, x.shape, dtype)})


@pytest.mark.parametrize("zero", [-100, -99, -20, -19])
def test_caps_of_pools_between_two_codes(zero):
    scale = np.float32(12 / 201)
    x, y = (T((1, 16, 16, 1), scale=scale, zero=zero) for _ in range(2))
    options = ops.options(
        "Pool2DOptions",
        strideH=1,
        strideW=1,
        filterHeight=1,
        filterWidth=1,
        fusedActivationFunction=RELU6,
    )
    content = ops.file("AVERAGE_POOL_2D", [x], [y], options)
    codes = np.arange(-128, 128, dtype=np.int8).reshape(x.shape)
    (made,) = ops.check(content, {"t0": codes})
    assert made.max() == min(zero + 101, 127)


@pytest.mark.parametrize("corners, half", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("kind", ["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"])
@pytest.mark.parametrize("seed", range(6))
def test_resizing(kind, corners, half, seed):
    rng = np.random.default_rng(seed)
    image = (1, int(rng.integers(1, 9)), int(rng.integers(2, 9)), int(rng.integers(1, 9)))
    size = (2 * image[1], 2 * image[2]) if seed == 0 else rng.integers(1, 20, 2)
    dtype = "uint8" if seed == 5 else "int8"
    x, y = _same(rng, image, (1, *map(int, size), image[3]), dtype)
    name = "ResizeBilinearOptions" if kind == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    options = ops.options(name, alignCorners=corners, halfPixelCenters=half)
    content = ops.file(kind, [x, ops.constant(size)], [y], options)
    ops.check(content, {"t0": ops.codes(rng, image, dtype)})


@pytest.mark.parametrize("seed", range(15))
def test_transpose_conv(seed):
    rng = np.random.default_rng(seed)
    inputs, outputs = int(rng.integers(1, 9)), int(rng.integers(1, 24))
    window, stride = [int(n) for n in rng.integers(1, 5, 2)], 1 + seed % 3
    image = (1, int(rng.integers(3, 7)), int(rng.integers(3, 7)), inputs)
    padding = seed % 2
    size = [
        n * stride if padding == 0 else (n - 1) * stride + max(taps, 1)
        for n, taps in zip(image[1:3], window, strict=True)
    ]
    source, target = ops.scale(rng), ops.scale(rng)
    per_channel = outputs if seed % 4 < 2 else 1
    typical = target * 0.02 / (source * np.sqrt(inputs * window[0] * window[1]))
    scales = (typical * rng.uniform(0.3, 3, per_channel)).astype(np.float32)
    weights = rng.integers(-127, 128, (outputs, *window, inputs))
    kernel = ops.constant(weights, "int8", scale=scales)
    bias = ops.constant(rng.integers(-3000, 3000, outputs), scale=source * scales)
    y = (1, *size, outputs)
    content = ops.file(
        "TRANSPOSE_CONV",
        [
            ops.constant(y),
            kernel,
            T(image, scale=source, zero=ops.zero(rng)),
            *([bias] if seed % 3 else []),
        ],
        [T(y, scale=target, zero=ops.zero(rng))],
        ops.options(
            "TransposeConvOptions",
            padding=padding,
            strideH=stride,
            strideW=stride,
            fusedActivationFunction=(NONE, RELU)[seed % 2],
        ),
    )
    place = 2
    ops.check(content, {f"t{place}": ops.codes(rng, image)})
