import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streams import ODD, STREAMS, histogram

from tflq.ranges import get_calibrator

percentile = get_calibrator("percentile")
N = 100_000


def _clipped(x, low, high):
    return np.mean((x < low) | (x > high))


@pytest.mark.parametrize("tensor", STREAMS)
def test_at_most_one_in_ten_thousand_is_clipped(tensor):
    samples = STREAMS[tensor]
    h = histogram(samples)
    low, high = percentile(h, bits=8)
    # What lies in the same bin may be on the wrong side.
    outside = _clipped(np.concatenate([s.ravel() for s in samples]), low - h.width, high + h.width)
    assert outside <= 1e-4


def test_two_sided_tensors_lose_half_at_each_end():
    x = np.random.default_rng(0).uniform(-1, 1, N)
    low, high = percentile(histogram(np.split(x, 10)), bits=8)
    assert np.sum(x < low) == pytest.approx(5, abs=4)
    assert np.sum(x > high) == pytest.approx(5, abs=4)


@pytest.mark.parametrize("sign", [1, -1])
def test_one_sided_tensors_lose_all_at_one_end(sign):
    x = sign * np.random.default_rng(0).exponential(size=N)
    low, high = percentile(histogram(np.split(x, 10)), bits=8)
    assert (low if sign > 0 else high) == 0
    assert np.sum((x < low) | (x > high)) == pytest.approx(10, abs=5)


@given(st.floats(0.0002, 0.9), st.floats(0.125, 100, width=32))
def test_a_spike_at_the_end_is_kept(share, spike):
    x = np.linspace(0, spike, 10_000)
    x[: int(share * x.size)] = spike
    assert percentile(histogram([x]), bits=8) == (0.0, spike)


def test_a_spike_is_never_cut_in_two():
    x = np.zeros(N)
    x[:5] = np.linspace(1, 2, 5)
    # All but 5 values are 0; 10 may be clipped.
    assert percentile(histogram(np.split(x, 10)), bits=8) == (0.0, 0.0)


def test_an_outlier_is_clipped_to_a_bin():
    h = histogram(np.array_split(ODD["outlier"], 8))
    low, high = percentile(h, bits=8)
    assert -6 < low < -3 < 3 < high < h.width


def test_short_streams_are_not_clipped():
    x = STREAMS["few_values"]
    h = histogram(x)
    assert percentile(h, bits=8) == (h.minimum, h.maximum)
