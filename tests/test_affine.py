import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tflq._errors import UserError
from tflq.affine import Affine, Mode, code_limits, parameters

ALL_BITS = range(2, 17)
bits = st.integers(2, 16)
modes = st.sampled_from(Mode)
reals = st.floats(-1e6, 1e6, width=32)


@st.composite
def affines(draw):
    """An affine map and the range it was made from."""
    low, high = sorted((draw(reals), draw(reals)))
    return parameters(low, high, bits=draw(bits), mode=draw(modes)), low, high


@pytest.mark.parametrize("width", ALL_BITS)
@pytest.mark.parametrize("mode", Mode)
def test_code_limits(width, mode):
    low, high = code_limits(width, mode)
    assert high == 2 ** (width - 1) - 1
    assert low == (-high if mode is Mode.SYMMETRIC_RESTRICTED else -high - 1)


@pytest.mark.parametrize("width", [-8, 0, 1, 17, 32])
def test_bits_out_of_range(width):
    with pytest.raises(UserError, match=f"bits={width}"):
        code_limits(width, Mode.ASYMMETRIC)
    with pytest.raises(UserError, match=f"bits={width}"):
        parameters(0.0, 1.0, bits=width, mode=Mode.ASYMMETRIC)


@pytest.mark.parametrize("width", ALL_BITS)
def test_scales_of_the_three_modes(width):
    def scale(mode):
        return parameters(-1.0, 3.0, bits=width, mode=mode).scale

    assert scale(Mode.ASYMMETRIC) == pytest.approx(4.0 / (2**width - 1))
    assert scale(Mode.SYMMETRIC_FULL) == pytest.approx(3.0 / ((2**width - 1) / 2))
    assert scale(Mode.SYMMETRIC_RESTRICTED) == pytest.approx(3.0 / (2 ** (width - 1) - 1))


@pytest.mark.parametrize(
    ("low", "high", "zero_point"),
    [
        (0.0, 6.0, -128),
        (-6.0, 0.0, 127),
        (-1.0, 3.0, -64),
        # What LiteRT's converter writes for images in [-1, 1]: a half, away from zero.
        (-1.0, 1.0, -1),
        (-3.0, 3.0, -1),
        # Widened to hold 0.
        (2.0, 6.0, -128),
        (-6.0, -2.0, 127),
    ],
)
def test_zero_point_is_litert_s(low, high, zero_point):
    assert parameters(low, high, bits=8, mode=Mode.ASYMMETRIC).zero_point == zero_point


@given(affines())
def test_zero_is_exact(made):
    affine, _, _ = made
    assert affine.fake_quant(0.0) == 0.0
    assert affine.quantize(0.0) == affine.zero_point


@given(affines(), st.floats(0, 1))
def test_error_is_at_most_half_a_scale(made, where):
    affine, low, high = made
    lowest, highest = affine.range
    # What lies in the range asked for and is representable, but for half a scale at its ends.
    x = np.clip(low + where * (high - low), lowest - affine.scale / 2, highest + affine.scale / 2)
    tolerance = 1e-6 * max(abs(lowest), abs(highest))
    assert abs(float(affine.fake_quant(x)) - x) <= affine.scale / 2 + tolerance


@given(affines())
def test_ends_of_the_range_asked_for_are_hardly_clipped(made):
    affine, low, high = made
    lowest, highest = affine.range
    assert min(low, 0.0) >= lowest - affine.scale / 2 - 1e-9 * abs(low)
    assert max(high, 0.0) <= highest + affine.scale / 2 + 1e-9 * abs(high)


@given(affines(), st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_codes_stay_in_limits_and_keep_order(made, values):
    affine, _, _ = made
    codes = affine.quantize(np.sort(values))
    low, high = code_limits(affine.bits, affine.mode)
    assert codes.dtype == np.int32
    assert low <= codes.min() and codes.max() <= high
    assert (np.diff(codes) >= 0).all()


@given(affines(), st.lists(reals, min_size=1, max_size=20))
def test_fake_quant_twice_is_once(made, values):
    affine, _, _ = made
    once = affine.fake_quant(values)
    assert once.dtype == np.float32
    np.testing.assert_array_equal(affine.fake_quant(once), once)


@pytest.mark.parametrize("width", ALL_BITS)
@pytest.mark.parametrize("mode", Mode)
def test_every_code_comes_back(width, mode):
    affine = parameters(-1.25, 3.0, bits=width, mode=mode)
    low, high = code_limits(width, mode)
    codes = np.arange(low, high + 1)
    np.testing.assert_array_equal(affine.quantize(affine.dequantize(codes)), codes)


@given(bits, st.lists(reals, min_size=1, max_size=20), st.floats(1e-3, 1e6))
def test_restricted_codes_are_symmetric_about_zero(width, values, bound):
    affine = parameters(-bound, bound / 2, bits=width, mode=Mode.SYMMETRIC_RESTRICTED)
    assert affine.zero_point == 0
    x = np.array(values)
    np.testing.assert_array_equal(affine.quantize(-x), -affine.quantize(x))
    lowest, highest = affine.range
    assert lowest == -highest == pytest.approx(-bound)


def test_full_range_uses_one_negative_code_more():
    affine = parameters(-2.0, 1.0, bits=8, mode=Mode.SYMMETRIC_FULL)
    np.testing.assert_array_equal(affine.quantize([-2.0, 2.0, -9.0, 9.0]), [-128, 127, -128, 127])


def test_halves_round_to_even():
    affine = Affine(scale=1.0, zero_point=0, bits=8, mode=Mode.SYMMETRIC_RESTRICTED)
    np.testing.assert_array_equal(affine.quantize([0.5, 1.5, 2.5, -0.5, -1.5]), [0, 2, 2, 0, -2])


@given(st.lists(st.tuples(reals, reals), min_size=1, max_size=6), bits, modes)
def test_channels_are_independent(pairs, width, mode):
    low, high = np.sort(np.array(pairs), axis=1).T
    together = parameters(low, high, bits=width, mode=mode)
    for channel, (a, b) in enumerate(zip(low, high, strict=True)):
        alone = parameters(a, b, bits=width, mode=mode)
        assert alone.scale == together.scale[channel]
        assert alone.zero_point == together.zero_point[channel]


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_scales_lie_along_the_axis(axis):
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    channels = x.shape[axis]
    bound = np.linspace(1, 2, channels)
    affine = parameters(-bound, bound, bits=8, mode=Mode.ASYMMETRIC, axis=axis)
    for channel in range(channels):
        alone = parameters(-bound[channel], bound[channel], bits=8, mode=Mode.ASYMMETRIC)
        expected = alone.fake_quant(np.take(x, channel, axis))
        np.testing.assert_array_equal(np.take(affine.fake_quant(x), channel, axis), expected)


def test_numbers_give_numbers():
    affine = parameters(-1, 2, bits=8, mode=Mode.ASYMMETRIC)
    assert isinstance(affine.scale, float)
    assert isinstance(affine.zero_point, np.integer)
    assert all(isinstance(end, float) for end in affine.range)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("bound", [0.0, 1e-44, 1e-39])
def test_ranges_too_narrow_for_a_float32_scale(mode, bound):
    affine = parameters(-bound, bound, bits=8, mode=mode)
    assert (affine.scale, affine.zero_point) == (1.0, 0)
    assert affine.fake_quant(bound) == 0.0


@pytest.mark.parametrize("mode", Mode)
def test_huge_ranges_have_a_finite_scale(mode):
    affine = parameters(-1.5e308, 1.5e308, bits=8, mode=mode)
    assert np.isfinite(affine.scale)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bounds_must_be_finite(bad):
    with pytest.raises(UserError, match="finite"):
        parameters(0.0, bad, bits=8, mode=Mode.ASYMMETRIC)
    with pytest.raises(UserError, match="finite"):
        parameters([-1.0, bad], [1.0, 1.0], bits=8, mode=Mode.ASYMMETRIC)


@given(reals, reals)
def test_minimum_must_not_exceed_maximum(low, high):
    assume(low > high)
    with pytest.raises(UserError, match="minimum must not exceed maximum"):
        parameters(low, high, bits=8, mode=Mode.ASYMMETRIC)
