import numpy as np
import pytest
from streams import ODD, STREAMS, histogram, signal_to_noise

from tflq.ranges import get_calibrator
from tflq.ranges._cells import full_range
from tflq.ranges._kl import _Divergence

kl = get_calibrator("kl")


def _divergence(h, low, high, bits=8):
    return _Divergence(h, bits)(np.array([low]), np.array([high]))[0]


@pytest.mark.parametrize("tensor", STREAMS)
def test_it_is_not_greedy(tensor):
    """The recipe of old lost 5 dB and more, and all of some ReLU6 tensors."""
    samples = STREAMS[tensor]
    h = histogram(samples)
    others = full_range(h), get_calibrator("percentile")(h, bits=8)
    worst = min(signal_to_noise(samples, *ends) for ends in others)
    assert signal_to_noise(samples, *kl(h, bits=8)) > worst - 1


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("tensor", ["relu6", "spike_of_30_percent_at_6"])
def test_relu6_keeps_its_range(tensor, bits):
    low, high = kl(histogram(STREAMS[tensor]), bits=bits)
    assert low == 0
    assert high == pytest.approx(6, abs=0.02)


@pytest.mark.parametrize("spike", [0.01, 0.3, 0.9])
def test_clipping_below_a_spike_costs_divergence(spike):
    x = np.random.default_rng(0).uniform(0, 6, 20_000)
    x[: int(spike * x.size)] = 6
    h = histogram([x])
    assert _divergence(h, 0.0, 5.5) - _divergence(h, 0.0, 6.0) > spike * x.size


def test_spikes_alone_diverge_from_nothing():
    assert _divergence(histogram([[0, 0, 6, 6, 6]]), 0.0, 6.0) == 0


def test_an_even_distribution_has_no_shape_to_lose():
    h = histogram([np.linspace(0, 1, 2**14, endpoint=False)])
    # Far below what chance alone would make of as many values.
    assert _divergence(h, 0.0, h.maximum) < _Divergence(h, 8).chance


def test_shape_is_lost_in_wide_cells():
    h = histogram(STREAMS["laplace"])
    fine, coarse = (_divergence(h, h.minimum, h.maximum, bits) for bits in (8, 4))
    assert coarse > 2 * fine


def test_clipping_nearly_everything_is_no_bargain():
    x = np.random.default_rng(0).normal(5, 0.1, 20_000)
    h = histogram([x])
    _, high = kl(h, bits=8)
    assert high > 5.2
    assert np.mean(x > 4.6) > 0.99
    assert _divergence(h, 0.0, 4.6) > 10 * _divergence(h, 0.0, h.maximum)


@pytest.mark.parametrize("outlier", [100, 1e4, 1e6])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_outlier_is_clipped_to_about_a_bin(outlier, sign):
    x = ODD["outlier"].copy()
    x[-1] = outlier
    h = histogram(np.array_split(sign * x, 8))
    low, high = kl(h, bits=8)
    assert max(-low, high) < max(6, 2 * h.width)


def test_short_streams_are_not_clipped():
    h = histogram(STREAMS["few_values"])
    assert kl(h, bits=8) == (h.minimum, h.maximum)


@pytest.mark.parametrize("tensor", ["gaussian", "laplace", "heavy_tails", "projection"])
def test_more_is_clipped_with_fewer_bits(tensor):
    h = histogram(STREAMS[tensor])
    widths = [np.ptp(kl(h, bits=bits)) for bits in (3, 4, 8)]
    assert widths[0] < widths[2] and widths[1] < widths[2]


def test_cells_cells_hide_keep_the_full_range():
    h = histogram(STREAMS["heavy_tails"])
    assert kl(h, bits=16) == (h.minimum, h.maximum)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("tensor", STREAMS)
def test_no_more_is_clipped_than_by_percentile_unless_it_pays(tensor, bits):
    samples = STREAMS[tensor]
    h = histogram(samples)
    low, high = kl(h, bits=bits)
    few_below, few_above = get_calibrator("percentile")(h, bits=bits)
    whole = signal_to_noise(samples, *full_range(h), bits=bits)
    chosen = signal_to_noise(samples, low, high, bits=bits)
    assert (low <= few_below and high >= few_above) or chosen >= whole - 0.1
