import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflq.ranges import weight_bounds
from tflq.ranges._output_error import _output_error


def _lost(rows, bounds, inputs):
    """Squared error of what the channels compute from real inputs."""
    scales = bounds[:, None] / 127
    errors = np.clip(np.rint(rows / scales), -127, 127) * scales - rows
    return float(np.sum((inputs @ errors.T) ** 2))


def _rows(channels, size, seed=0):
    return np.random.default_rng(seed).laplace(size=(channels, size)).astype(np.float32)


@pytest.mark.parametrize("size", [9, 64, 600])
def test_outputs_of_a_relus_values_are_closer(size):
    rows = _rows(40, size)
    inputs = np.abs(np.random.default_rng(1).normal(size=(500, size)))
    squares = weight_bounds(rows, axis=0, bits=8, method="mse")
    ours = weight_bounds(rows, axis=0, bits=8, method="output_mse")
    assert 1.5 * _lost(rows, ours, inputs) < _lost(rows, squares, inputs)


def test_the_expected_error_is_the_measured_one():
    rows = _rows(8, 50)
    bounds = np.abs(rows).max(axis=1).astype(np.float64)
    inputs = np.abs(np.random.default_rng(1).normal(size=(200_000, 50)))
    expected = _output_error(rows, bounds, 127).sum() * inputs.var()
    assert expected == pytest.approx(_lost(rows, bounds, inputs) / len(inputs), rel=0.02)


@given(st.integers(0, 10_000), st.integers(2, 10), st.integers(1, 300))
def test_it_is_never_worse_than_the_least_squares_by_its_own_measure(seed, bits, size):
    rows, highest = _rows(4, size, seed), 2 ** (bits - 1) - 1
    ours = weight_bounds(rows, axis=0, bits=bits, method="output_mse")
    squares = weight_bounds(rows, axis=0, bits=bits, method="mse")
    assert (
        _output_error(rows, ours, highest) <= _output_error(rows, squares, highest) * (1 + 1e-9)
    ).all()
    assert (ours <= np.abs(rows).max(axis=1) * (1 + 0.1 + 1e-6)).all()


def test_without_channels_it_is_the_plain_squared_error():
    rows = _rows(4, 30)
    np.testing.assert_array_equal(
        weight_bounds(rows, axis=None, bits=8, method="output_mse"),
        weight_bounds(rows, axis=None, bits=8, method="mse"),
    )
