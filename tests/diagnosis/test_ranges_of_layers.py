import numpy as np
import pytest

from tflq.diagnosis._activation import activation_range
from tflq.ranges import Histogram


def _histogram(values):
    histogram = Histogram()
    histogram.update(np.asarray(values, np.float32))
    return histogram


def test_clipped_values_and_the_error_that_they_make():
    found = activation_range(_histogram([0.0] * 90 + [10.0] * 10), (0.0, 5.0), origin="kl", bits=8)
    assert found.clipped == 0.1 and found.clipping_share > 0.99
    assert sum(found.counts) == 100 and len(found.edges) == len(found.counts) + 1


def test_bulk_leaves_out_a_few_far_values():
    values = np.concatenate([np.linspace(0, 1, 100_000), [50.0]])
    found = activation_range(_histogram(values), (0.0, 50.0), origin="minmax", bits=8)
    assert found.bulk[1] < 1.1 and found.seen == (0.0, 50.0)
    assert found.width_of_bulk > 40 and found.clipped == 0


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_one_value_alone_has_a_bar(value):
    found = activation_range(_histogram([value] * 5), (-3.0, 0.0), origin="mse", bits=8)
    assert sum(found.counts) == 5 and found.edges[0] < found.edges[-1]
    assert found.width_of_bulk == 0
