import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streams import STREAMS, histogram

from tflq.affine import Mode, parameters
from tflq.ranges._squared_error import SquaredError


def _true_error(x, low, high, bits):
    x = x.astype(np.float64)
    lost = x - parameters(low, high, bits=bits, mode=Mode.ASYMMETRIC).fake_quant(x)
    return np.sum(lost**2)


def _estimate(h, low, high, bits):
    return SquaredError(h, bits)(np.array([low]), np.array([high]))[0]


@pytest.mark.parametrize("bits", [3, 4, 6, 8])
@pytest.mark.parametrize("shrunk", [1.0, 0.7, 0.4])
@pytest.mark.parametrize("tensor", STREAMS)
def test_it_is_the_error_of_the_quantizer(tensor, shrunk, bits):
    samples = STREAMS[tensor]
    x = np.concatenate([s.ravel() for s in samples])
    h = histogram(samples)
    low, high = min(h.minimum, 0) * shrunk, max(h.maximum, 0) * shrunk
    expected = _true_error(x, low, high, bits)
    assert _estimate(h, low, high, bits) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("shrunk", [1.0, 0.7, 0.4])
@pytest.mark.parametrize("tensor", ["relu6", "projection", "heavy_tails"])
def test_it_is_the_error_of_cells_cells_hide(tensor, shrunk, bits):
    test_it_is_the_error_of_the_quantizer(tensor, shrunk, bits)


@given(
    st.lists(st.sampled_from([-3.0, 0.0, 5.0]), min_size=1, max_size=9),
    st.floats(-4, 0),
    st.floats(0.1, 6),
    st.integers(2, 16),
)
def test_atoms_alone_have_their_exact_error(values, low, high, bits):
    x = np.array(values)
    estimate = _estimate(histogram([x]), low, high, bits)
    assert estimate == pytest.approx(_true_error(x, low, high, bits), abs=1e-4, rel=1e-4)


def test_atoms_in_the_ends_are_free():
    h = histogram([[0, 0, 0, 6, 6]])
    assert _estimate(h, 0.0, 6.0, 8) == pytest.approx(0, abs=1e-9)
    assert _estimate(h, 0.0, 5.0, 8) == pytest.approx(2)


def test_many_ranges_at_once_are_each_alone():
    h = histogram(STREAMS["projection"])
    low, high = np.array([-10.0, -3.0, -0.1]), np.array([9.0, 1.0, 30.0])
    together = SquaredError(h, 8)(low, high)
    alone = [_estimate(h, a, b, 8) for a, b in zip(low, high, strict=True)]
    np.testing.assert_allclose(together, alone)


@pytest.mark.parametrize("shift", [-5.5, 5.0])
def test_tensors_away_from_zero(shift):
    x = (shift + np.random.default_rng(0).random(20_000) / 2).astype(np.float32)
    h = histogram(np.split(x, 4))
    low, high = min(h.minimum, 0), max(h.maximum, 0)
    for bits in (4, 8):
        for end in (1.0, 0.97, 0.5):
            expected = _true_error(x, low * end, high * end, bits)
            assert _estimate(h, low * end, high * end, bits) == pytest.approx(expected, rel=0.02)
