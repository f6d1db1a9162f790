import numpy as np
import ops
import pytest
from ops import T


@pytest.mark.parametrize("kind", ["MEAN", "SUM"])
@pytest.mark.parametrize("axes", [(1, 2), (1,), (2,), (3,), (-1,), (1, 3), (1, 2, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_sums(kind, axes, seed):
    rng = np.random.default_rng(seed)
    dtype = "uint8" if seed == 2 else "int8"
    image = (1, *map(int, rng.integers(2, 9, 3)))
    kept = tuple(1 if i in axes or i - 4 in axes else n for i, n in enumerate(image))
    keep = bool(seed % 2)
    out = (
        kept
        if keep
        else tuple(n for i, n in enumerate(image) if i not in axes and i - 4 not in axes)
    )
    source = ops.scale(rng, 1e-2)
    count = np.prod(image) / np.prod(kept)
    target = source * (rng.uniform(0.1, 1) if kind == "MEAN" else count**0.5 * rng.uniform(0.1, 2))
    x = T(image, dtype, scale=source, zero=ops.zero(rng, dtype))
    y = T(out, dtype, scale=target, zero=ops.zero(rng, dtype))
    content = ops.file(
        kind, [x, ops.constant(axes)], [y], ops.options("ReducerOptions", keepDims=keep)
    )
    ops.check(content, {"t0": ops.codes(rng, image, dtype, samples=8)})


@pytest.mark.parametrize("count", [6, 10, 12, 14, 22, 26, 98])
@pytest.mark.parametrize("kind", ["MEAN", "SUM"])
def test_sums_half_way_between_codes(kind, count):
    rng = np.random.default_rng(count)
    options = ops.options("ReducerOptions")
    for _ in range(8):
        source = ops.scale(rng)
        target = source * rng.choice([0.5, 1, 1.5, 2, 3]) * (count if kind == "SUM" else 1)
        x = T((1, count, 1, 999), scale=source, zero=ops.zero(rng) // 2)
        y = T((1, 999), scale=target, zero=ops.zero(rng) // 2)
        content = ops.file(kind, [x, ops.constant([1, 2])], [y], options)
        ops.check(content, {"t0": ops.codes(rng, x.shape, samples=1) // 2})


@pytest.mark.parametrize("kind", ["REDUCE_MAX", "REDUCE_MIN"])
@pytest.mark.parametrize("axes", [(1, 2), (-1,)])
def test_extremes(kind, axes):
    rng = np.random.default_rng(0)
    image = (1, 3, 4, 5)
    out = (1, 5) if axes == (1, 2) else (1, 3, 4)
    x, y = (T(shape, scale=0.1, zero=3) for shape in (image, out))
    content = ops.file(kind, [x, ops.constant(axes)], [y], ops.options("ReducerOptions"))
    ops.check(content, {"t0": ops.codes(rng, image)})


def _where_the_order_shows(codes, scale):
    """Rows whose shares round otherwise when the sum is taken another way, or divided by."""
    table = np.exp((-scale * np.arange(256, dtype=np.float32)).astype(float)).astype(np.float32)
    powers = table[codes.max(1, keepdims=True).astype(int) - codes]
    running = np.zeros(len(codes), np.float32)
    for column in powers.T:
        running = running + column
    at_once = powers.astype(float).sum(1).astype(np.float32)
    ways = [
        powers * (np.float32(1) / (running * np.float32(1 / 256)))[:, None],
        powers / (running * np.float32(1 / 256))[:, None],
        powers * (np.float32(1) / (at_once * np.float32(1 / 256)))[:, None],
    ]
    rounded = [np.floor(way + 0.5) for way in ways]
    return np.any([way != rounded[0] for way in rounded], axis=(0, 2))


def test_the_order_of_a_softmaxs_sum():
    rng = np.random.default_rng(0)
    shown = 0
    for classes in [10, 40] * 12:
        scale = ops.scale(rng, 1e-2, 0.1)
        codes = ops.codes(rng, (1, classes), samples=200_000 // classes)
        rows = codes[_where_the_order_shows(codes, scale)]
        if len(rows):
            x, y = T((1, classes), scale=scale), T((1, classes), scale=1 / 256, zero=-128)
            content = ops.file("SOFTMAX", [x], [y], ops.options("SoftmaxOptions", beta=1.0))
            ops.check(content, {"t0": rows})
            shown += len(rows)
    assert shown > 3


@pytest.mark.parametrize("shape", [(1, 10), (1, 1), (1, 1000), (1, 4, 5, 7)])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("seed", range(3))
def test_softmax(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    x = T(shape, dtype, scale=ops.scale(rng, 1e-2, 0.5), zero=ops.zero(rng, dtype))
    y = T(shape, dtype, scale=1 / 256, zero=-128 if dtype == "int8" else 0)
    options = ops.options("SoftmaxOptions", beta=(1.0, 1.0, 0.7)[seed])
    content = ops.file("SOFTMAX", [x], [y], options)
    codes = ops.codes(rng, shape, dtype, samples=6)
    # Logits of a trained network are close together.
    close = (codes[3:].astype(int) // 16).astype(dtype)
    ops.check(content, {"t0": np.concatenate([codes[:3], close])})
