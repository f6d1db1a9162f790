import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflq._errors import UserError
from tflq.affine import Mode, parameters
from tflq.ranges import WEIGHT_METHODS, weight_bounds
from tflq.ranges import _weights as module


def _error(rows, bounds, bits):
    affine = parameters(-bounds, bounds, bits=bits, mode=Mode.SYMMETRIC_RESTRICTED, axis=0)
    lost = rows.astype(np.float64) - affine.fake_quant(rows)
    return (lost**2).sum(axis=1)


def _weights(*shape, seed=0):
    return np.random.default_rng(seed).laplace(size=shape).astype(np.float32)


def test_methods():
    assert tuple(WEIGHT_METHODS) == ("minmax", "mse", "output_mse")


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
@pytest.mark.parametrize("method", WEIGHT_METHODS)
def test_channels_lie_along_the_axis(method, axis):
    weights = _weights(3, 4, 5, 6)
    bounds = weight_bounds(weights, axis=axis, bits=8, method=method)
    assert bounds.shape == (weights.shape[axis],)
    assert bounds.dtype == np.float64
    for channel, bound in enumerate(bounds):
        alone = np.take(weights, channel, axis)[None]
        expected = weight_bounds(alone, axis=0, bits=8, method=method)
        assert bound == pytest.approx(expected[0], rel=1e-6)


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1), st.integers(2, 16))
def test_minmax_is_the_largest_magnitude(values, bits):
    weights = np.array(values, np.float32)
    bounds = weight_bounds(weights, axis=None, bits=bits, method="minmax")
    assert bounds.shape == (1,)
    assert bounds[0] == np.abs(weights).max()


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [9, 200, 5000])
def test_mse_is_about_the_best_bound(bits, size):
    rows = _weights(20, size)
    largest = np.abs(rows).max(axis=1).astype(np.float64)
    chosen = weight_bounds(rows, axis=0, bits=bits, method="mse")
    grid = np.stack([_error(rows, largest * share, bits) for share in np.linspace(0.2, 1, 161)])
    # Few weights have many local minima; what matters is the sum.
    assert _error(rows, chosen, bits).sum() <= 1.03 * grid.min(axis=0).sum()


@given(st.integers(0, 10_000), st.integers(2, 10), st.integers(1, 300))
def test_mse_is_never_worse_than_minmax(seed, bits, size):
    rows = _weights(4, size, seed=seed)
    largest = np.abs(rows).max(axis=1).astype(np.float64)
    chosen = weight_bounds(rows, axis=0, bits=bits, method="mse")
    assert (chosen <= largest).all()
    whole = _error(rows, largest, bits)
    assert (_error(rows, chosen, bits) <= whole * (1 + 1e-3) + 1e-9 * largest**2).all()


def test_an_outlier_is_clipped_at_4_bits():
    weights = np.append(np.random.default_rng(0).uniform(-1, 1, 10_000), 1.6)
    bounds = weight_bounds(weights, axis=None, bits=4, method="mse")
    assert bounds[0] < 1.2


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", WEIGHT_METHODS)
def test_dead_channels_have_no_bound(method):
    weights = _weights(4, 10)
    weights[1] = 0
    weights[2] = -0.0
    bounds = weight_bounds(weights, axis=0, bits=8, method=method)
    assert (bounds == 0).tolist() == [False, True, True, False]
    assert not np.signbit(bounds).any()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [1e-45, 1e-38, 2e-36, 1e-30, 1e30, 3e38])
@pytest.mark.parametrize("method", WEIGHT_METHODS)
def test_tiny_and_huge_weights(method, value):
    weights = np.array([[value, -value / 2], [1.0, 0.5]], np.float32)
    bounds = weight_bounds(weights, axis=0, bits=8, method=method)
    assert 0 < bounds[0] <= np.float64(weights[0, 0]) * 1.1
    assert bounds[0] == pytest.approx(weights[0, 0], rel=0.1)


@pytest.mark.parametrize("axis", [0, None])
def test_blocks_do_not_matter(monkeypatch, axis):
    weights = _weights(7, 1000)
    whole = weight_bounds(weights, axis=axis, bits=4, method="mse")
    monkeypatch.setattr(module, "BLOCK", 300)
    np.testing.assert_allclose(
        weight_bounds(weights, axis=axis, bits=4, method="mse"), whole, rtol=0.02
    )


@pytest.mark.parametrize("method", WEIGHT_METHODS)
def test_weights_are_not_changed(method):
    weights = _weights(3, 100)
    before = weights.copy()
    weight_bounds(weights, axis=0, bits=8, method=method)[:] = 0
    np.testing.assert_array_equal(weights, before)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats(dtype):
    weights = _weights(3, 50).astype(dtype)
    bounds = weight_bounds(weights, axis=0, bits=8, method="minmax")
    np.testing.assert_allclose(bounds, np.abs(weights).max(axis=1), rtol=1e-6)


def test_unknown_methods_are_answered_with_the_known():
    with pytest.raises(UserError, match="'kl' is unknown; choose one of: minmax, mse, output_mse"):
        weight_bounds(_weights(3), axis=None, bits=8, method="kl")


@pytest.mark.parametrize("bits", [1, 17])
def test_bits_out_of_range(bits):
    with pytest.raises(UserError, match=f"bits={bits}"):
        weight_bounds(_weights(3), axis=None, bits=bits, method="minmax")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("method", WEIGHT_METHODS)
def test_weights_must_be_finite(method, bad):
    weights = _weights(3, 4)
    weights[1, 2] = bad
    with pytest.raises(UserError, match="NaN or an infinity"):
        weight_bounds(weights, axis=0, bits=8, method=method)
