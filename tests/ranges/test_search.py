import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflq.ranges._search import search


def _bowl(low, high):
    """A cost that is least at the given ends, by relative distance."""

    def cost(lows, highs):
        return ((lows - low) / (abs(low) + 1e-9)) ** 2 + ((highs - high) / (high + 1e-9)) ** 2

    return cost


@given(st.floats(0.003, 1), st.floats(0.003, 1))
def test_finds_the_least_of_a_bowl(low, high):
    found = search(_bowl(-50 * low, 8 * high), -50.0, 8.0)
    assert found == pytest.approx((-50 * low, 8 * high), rel=0.01)


@pytest.mark.parametrize(("low", "high"), [(0.0, 6.0), (-6.0, 0.0)])
@given(share=st.floats(0.003, 1))
def test_one_sided_ranges_keep_their_zero(low, high, share):
    found = search(_bowl(share * low, share * high), low, high)
    assert found == pytest.approx((share * low, share * high), rel=0.01)


def test_candidates_stay_within_the_full_range():
    seen = []

    def cost(lows, highs):
        seen.append((lows.min(), highs.max()))
        assert (lows <= 0).all() and (highs >= 0).all()
        return -highs + lows

    assert search(cost, -2.0, 3.0) == (-2.0, 3.0)
    assert min(low for low, _ in seen) == -2.0
    assert max(high for _, high in seen) == 3.0


@pytest.mark.parametrize("constant", [0.0, 1.0, np.inf, np.nan])
def test_equals_leave_the_full_range(constant):
    assert search(lambda low, high: np.full(low.size, constant), -1.0, 2.0) == (-1.0, 2.0)


def test_zeros_alone():
    assert search(lambda low, high: low + high, 0.0, 0.0) == (0.0, 0.0)


@given(st.integers(0, 1000))
def test_never_worse_than_the_full_range(seed):
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=3) * 5

    def cost(low, high):
        return np.sin(a * low) + np.cos(b * high) + np.sin(c * low * high)

    low, high = (np.array([end]) for end in search(cost, -2.0, 2.0))
    assert cost(low, high) <= cost(np.array([-2.0]), np.array([2.0]))
