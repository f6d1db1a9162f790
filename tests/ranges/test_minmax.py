import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streams import histogram

from tflq.ranges import get_calibrator

finite = st.floats(-(2.0**100), 2.0**100, width=32)


@given(st.lists(st.lists(finite, min_size=1), min_size=1), st.integers(2, 16))
def test_extremes_of_all_samples(stream, bits):
    x = np.concatenate(stream).astype(np.float32)
    low, high = get_calibrator("minmax")(histogram(stream), bits=bits)
    assert (low, high) == (min(x.min(), 0), max(x.max(), 0))


@pytest.mark.parametrize("outlier", [1e6, -1e6])
def test_outliers_stay(outlier):
    low, high = get_calibrator("minmax")(histogram([[0.0, 1.0], [outlier]]), bits=8)
    assert outlier in (low, high)
