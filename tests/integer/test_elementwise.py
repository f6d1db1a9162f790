import numpy as np
import ops
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import T

ALL = np.arange(-128, 128, dtype=np.int8)
PAIRS = np.repeat(ALL, 256), np.tile(ALL, 256)
ACTIVATIONS = (0, 1, 2, 3)
OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}


def _scales():
    return st.floats(-9, 1).map(lambda e: np.float32(2.0**e))


ZERO = st.integers(-128, 127)


def _pair_file(kind, scales, zeros, activation=0, options=None):
    a, b, y = (T((1, 65536), scale=s, zero=z) for s, z in zip(scales, zeros, strict=True))
    options = options or ops.options(OPTIONS[kind], fusedActivationFunction=activation)
    return ops.file(kind, [a, b], [y], options)


@pytest.mark.parametrize("kind", OPTIONS)
@settings(max_examples=25, deadline=None)
@given(
    scales=st.tuples(_scales(), _scales(), _scales()),
    zeros=st.tuples(ZERO, ZERO, ZERO),
    activation=st.sampled_from(ACTIVATIONS),
)
def test_arithmetic_on_all_pairs(kind, scales, zeros, activation):
    content = _pair_file(kind, scales, zeros, activation)
    ops.check(content, {"t0": PAIRS[0][None], "t1": PAIRS[1][None]})


@pytest.mark.parametrize("kind", OPTIONS)
def test_ratios_that_xnnpack_refuses(kind):
    content = _pair_file(kind, (50.0, 40.0, 1e-3), (3, -7, 5))
    assert not ops.delegated(content)
    ops.check(content, {"t0": PAIRS[0][None], "t1": PAIRS[1][None]})


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_shapes_broadcast(kind, dtype):
    rng = np.random.default_rng(0)
    a = T((1, 3, 4, 5), dtype, scale=0.1, zero=ops.zero(rng, dtype))
    value = ops.codes(rng, (1, 5), dtype, samples=1)[0]
    b = ops.constant(value, dtype, scale=0.07, zero=ops.zero(rng, dtype))
    y = T((1, 3, 4, 5), dtype, scale=0.09, zero=ops.zero(rng, dtype))
    options = ops.options(OPTIONS[kind])
    feeds = {"t0": ops.codes(rng, a.shape, dtype)}
    ops.check(ops.file(kind, [a, b], [y], options), feeds)
    feeds = {"t1": ops.codes(rng, a.shape, dtype)}
    ops.check(ops.file(kind, [b, a], [y], options), feeds)


def test_an_input_twice():
    x = T((1, 256), scale=0.1, zero=3)
    content = ops.file("MUL", [x, x], [T((1, 256), scale=0.1, zero=3)], ops.options("MulOptions"))
    model_feeds = {"t0": ALL[None], "t1": ALL[::-1][None]}
    ops.check(content, model_feeds)


UNARY = {
    "ABS": None,
    "ELU": None,
    "EXP": ops.options("ExpOptions"),
    "GELU": ops.options("GeluOptions"),
    "HARD_SWISH": ops.options("HardSwishOptions"),
    "LEAKY_RELU": ops.options("LeakyReluOptions", alpha=0.3),
    "LOG": None,
    "LOGISTIC": None,
    "RELU": None,
    "RELU6": None,
    "RELU_N1_TO_1": None,
    "RSQRT": None,
    "TANH": None,
}
FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
POSITIVE = {"RSQRT", "LOG"}


@pytest.mark.parametrize("kind", UNARY)
@pytest.mark.parametrize("seed", range(3))
def test_every_code_of_unary_ops(kind, seed):
    rng = np.random.default_rng(seed)
    zero = -128 if kind in POSITIVE else ops.zero(rng)
    target = FIXED.get(kind, (ops.scale(rng), ops.zero(rng)))
    x, y = (
        T((1, 256), scale=ops.scale(rng), zero=zero),
        T((1, 256), scale=target[0], zero=target[1]),
    )
    content = ops.file(kind, [x], [y], UNARY[kind])
    ops.check(content, {"t0": ALL[None]})


@pytest.mark.parametrize("dtypes", [("int8", "int8"), ("uint8", "int8"), ("int8", "uint8")])
@pytest.mark.parametrize("seed", range(4))
def test_requantizing(dtypes, seed):
    rng = np.random.default_rng(seed)
    source, target = dtypes
    x = T((1, 256), source, scale=ops.scale(rng), zero=ops.zero(rng, source))
    y = T((1, 256), target, scale=ops.scale(rng), zero=ops.zero(rng, target))
    content = ops.file("QUANTIZE", [x], [y], ops.options("QuantizeOptions"))
    ops.check(content, {"t0": ALL.view(source)[None]})


@settings(max_examples=30, deadline=None)
@given(scale=_scales(), zero=ZERO)
def test_encoding_floats(scale, zero):
    rng = np.random.default_rng(0)
    # Ties, their neighbours, and numbers far out.
    ties = (np.arange(-300, 300) + np.float32(0.5)) * scale
    x = np.concatenate([ties, np.nextafter(ties, np.float32(9)), rng.normal(0, 50 * scale, 400)])
    x = np.concatenate([x, [1e30, -1e30, np.inf, -np.inf]]).astype(np.float32)[None]
    door = T((1, x.size), "float32")
    y = T((1, x.size), scale=scale, zero=zero)
    content = ops.file("QUANTIZE", [door], [y], ops.options("QuantizeOptions"))
    ops.check(content, {"t0": x})


@settings(max_examples=10, deadline=None)
@given(scale=_scales())
def test_encoding_floats_in_16_bits(scale):
    ties = (np.arange(-300, 300) + np.float32(0.5)) * scale
    x = np.concatenate([ties, np.nextafter(ties, np.float32(9)), ties * 200]).astype(np.float32)
    door, y = T((1, x.size), "float32"), T((1, x.size), "int16", scale=scale)
    content = ops.file("QUANTIZE", [door], [y], ops.options("QuantizeOptions"))
    assert not ops.delegated(content)
    ops.check(content, {"t0": x[None]})


@settings(max_examples=20, deadline=None)
@given(scale=_scales(), zero=ZERO)
def test_decoding(scale, zero):
    x, y = T((1, 256), scale=scale, zero=zero), T((1, 256), "float32")
    content = ops.file("DEQUANTIZE", [x], [y], ops.options("DequantizeOptions"))
    # A float file's outputs are float32; the file counts as an integer one by its input.
    ops.check(content, {"t0": ALL[None]})


BINARY = {
    "DIV": ops.options("DivOptions"),
    "MAXIMUM": ops.options("MaximumMinimumOptions"),
    "MINIMUM": ops.options("MaximumMinimumOptions"),
    "PRELU": None,
    "SQUARED_DIFFERENCE": ops.options("SquaredDifferenceOptions"),
    "GREATER": ops.options("GreaterOptions"),
}


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("seed", range(2))
def test_binary_ops_without_a_formula(kind, seed):
    rng = np.random.default_rng(seed)
    same = kind in ("MAXIMUM", "MINIMUM")
    scales = [0.1] * 3 if same else [ops.scale(rng, 1e-2) for _ in range(3)]
    zeros = [5] * 3 if same else [ops.zero(rng) for _ in range(3)]
    a, b, y = (T((1, 3, 4, 6), scale=s, zero=z) for s, z in zip(scales, zeros, strict=True))
    if kind == "GREATER":
        y = T((1, 3, 4, 6), "bool")
    b.shape = (1, 1, 1, 6)
    b.value = ops.codes(rng, b.shape, samples=1)
    if kind == "DIV":
        b.value = np.where(b.value == b.zero[0], b.value + 1, b.value).astype(np.int8)
    content = ops.file(kind, [a, b], [y], BINARY[kind])
    ops.check(content, {"t0": ops.codes(rng, a.shape, samples=8)})
