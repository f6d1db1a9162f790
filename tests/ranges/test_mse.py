import numpy as np
import pytest
from streams import ODD, STREAMS, histogram, signal_to_noise

from tflq.ranges import get_calibrator
from tflq.ranges._cells import full_range
from tflq.ranges._squared_error import SquaredError

mse = get_calibrator("mse")


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("tensor", STREAMS)
def test_no_range_on_a_fine_grid_is_much_better(tensor, bits):
    h = histogram(STREAMS[tensor])
    low, high = full_range(h)
    error = SquaredError(h, bits)
    shares = np.linspace(0.05, 1, 60)
    lows, highs = np.meshgrid(low * shares if low else np.zeros(1), high * shares)
    best = error(lows.ravel(), highs.ravel()).min()
    chosen = mse(h, bits=bits)
    assert error(np.array([chosen[0]]), np.array([chosen[1]]))[0] <= best * 1.03


@pytest.mark.parametrize("bits", [4, 6, 8])
@pytest.mark.parametrize("tensor", STREAMS)
def test_what_is_left_is_no_worse_than_with_the_full_range(tensor, bits):
    samples = STREAMS[tensor]
    h = histogram(samples)
    chosen = signal_to_noise(samples, *mse(h, bits=bits), bits=bits)
    assert chosen > signal_to_noise(samples, *full_range(h), bits=bits) - 0.1


@pytest.mark.parametrize("tensor", ["gaussian", "laplace", "heavy_tails", "projection"])
def test_tails_are_clipped_more_with_fewer_bits(tensor):
    h = histogram(STREAMS[tensor])
    widths = [np.ptp(mse(h, bits=bits)) for bits in (2, 4, 8)]
    assert widths[0] < widths[1] < widths[2] <= h.maximum - h.minimum


def test_gaussian_of_4_bits_has_the_known_bound():
    # A uniform quantizer of 16 levels does best with a step of 0.335 deviations (Max 1960).
    x = np.random.default_rng(0).normal(size=200_000)
    low, high = mse(histogram(np.split(x, 20)), bits=4)
    assert (high - low) / 15 == pytest.approx(0.335, rel=0.03)


@pytest.mark.parametrize("bits", [4, 8])
def test_a_spike_at_6_is_kept(bits):
    low, high = mse(histogram(STREAMS["spike_of_30_percent_at_6"]), bits=bits)
    assert low == 0
    assert high == pytest.approx(6, abs=0.02)


def test_relu6_keeps_its_range():
    assert mse(histogram(STREAMS["relu6"]), bits=8) == (0.0, pytest.approx(6, abs=0.01))


def test_both_ends_are_searched():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.laplace(size=20_000), -rng.exponential(5, size=200)])
    h = histogram([x])
    low, high = mse(h, bits=4)
    assert h.minimum < low < 0.9 * h.minimum or low > 0.9 * h.minimum
    assert high < h.maximum
    assert -low > high


def test_an_outlier_that_costs_more_than_all_else_is_kept():
    x = ODD["outlier"]
    assert mse(histogram(np.array_split(x, 8)), bits=8)[1] == pytest.approx(1e6, rel=0.01)


def test_a_small_outlier_is_clipped():
    x = np.append(np.random.default_rng(0).normal(size=1_000_000), 20).astype(np.float32)
    low, high = mse(histogram(np.array_split(x, 100)), bits=4)
    assert -3.5 < low < -2 < 2 < high < 3.5
