import numpy as np
import pytest
from streams import ODD, STREAMS, histogram

from tflq.ranges import get_calibrator


@pytest.fixture
def moving_average():
    return get_calibrator("moving_average")


@pytest.mark.parametrize("tensor", STREAMS)
def test_it_lies_among_the_samples_extremes(moving_average, tensor):
    samples = STREAMS[tensor]
    low, high = moving_average(histogram(samples), bits=8)
    highest = [max(s.max(), 0) for s in samples]
    assert min(highest) * (1 - 1e-9) <= high <= max(highest) * (1 + 1e-9)
    lowest = [min(s.min(), 0) for s in samples]
    assert min(lowest) - 1e-6 <= low <= max(lowest) + 1e-6


def test_one_odd_sample_counts_little(moving_average):
    rng = np.random.default_rng(0)
    samples = [rng.normal(size=1000) for _ in range(100)]
    samples[50] = ODD["outlier"] / 1e4
    _, high = moving_average(histogram(samples), bits=8)
    assert 3 < high < 6


def test_later_samples_count_more(moving_average):
    rising = [[0.0, float(k)] for k in range(1, 200)]
    _, high = moving_average(histogram(rising), bits=8)
    _, reverse = moving_average(histogram(rising[::-1]), bits=8)
    assert high > 115 > 85 > reverse


def test_shards_continue_each_other(moving_average):
    samples = STREAMS["projection"]
    merged = histogram(samples[:5]).merge(histogram(samples[5:]))
    assert moving_average(merged, bits=8) == pytest.approx(
        moving_average(histogram(samples), bits=8), rel=1e-12
    )
