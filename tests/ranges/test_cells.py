import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streams import histogram

from tflq.affine import Mode, parameters
from tflq.ranges._cells import Density, Grids, cells_hide, full_range

pairs = st.lists(
    st.tuples(st.floats(-100, 0), st.floats(0, 100)).filter(lambda pair: pair[1] - pair[0] > 0.01),
    min_size=1,
    max_size=5,
)


def _grids(ends, bits):
    low, high = np.array(ends).T
    return Grids.of(low, high, bits)


@given(pairs, st.integers(2, 10))
def test_ends_are_those_of_the_quantizer(ends, bits):
    lows, highs = _grids(ends, bits).ends
    for k, (low, high) in enumerate(ends):
        expected = parameters(low, high, bits=bits, mode=Mode.ASYMMETRIC).range
        assert (lows[k, 0], highs[k, 0]) == pytest.approx(expected, abs=1e-9)


@given(pairs, st.integers(2, 8), st.sampled_from([1, 2, 3]))
def test_boundaries_enclose_the_codes(ends, bits, parts):
    boundaries = _grids(ends, bits).boundaries(parts)
    assert boundaries.shape == (len(ends), 2**bits * parts + 1)
    middles = (boundaries[:, :-1:parts] + boundaries[:, parts::parts]) / 2
    for row, (low, high) in zip(middles, ends, strict=True):
        affine = parameters(low, high, bits=bits, mode=Mode.ASYMMETRIC)
        np.testing.assert_allclose(affine.fake_quant(row), row, atol=1e-4)
        assert np.unique(affine.quantize(row)).size == 2**bits


@given(pairs, st.integers(2, 10), st.floats(-200, 200))
def test_error_is_the_quantizer_s(ends, bits, value):
    errors = _grids(ends, bits).error(value)
    for error, (low, high) in zip(errors, ends, strict=True):
        affine = parameters(low, high, bits=bits, mode=Mode.ASYMMETRIC)
        assert error == pytest.approx(value - float(affine.fake_quant(value)), abs=1e-4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 2], (0, 2)), ([-2, -1], (-2, 0)), ([-1, 2], (-1, 2)), ([0], (0, 0))],
)
def test_full_range(values, expected):
    assert full_range(histogram([values])) == expected


def test_cells_hide():
    h = histogram([np.linspace(-1, 1, 500)])
    assert not cells_hide(h, 8)
    assert cells_hide(h, 11)
    # All values are in a few bins far from 0: cells are wide, bins are fine.
    far = histogram([[1000, 1000.01]])
    assert not cells_hide(far, 11)
    # Yet so many cells that looking at each would take long.
    assert cells_hide(far, 12)


@pytest.mark.parametrize("values", [[1, 2, 3, 4], [-4, -3, -2.5, -1], [-1, 0, 0.5, 2], [5, 5]])
def test_density_has_an_edge_at_zero_and_all_mass_but_atoms(values):
    h = histogram([values])
    density = Density.of(h)
    assert 0.0 in density.edges
    assert (density.edges[0], density.edges[-1]) == full_range(h)
    assert density.mass.sum() == h.mass.sum()
    assert density.height @ np.diff(density.edges) == pytest.approx(density.mass.sum())


def test_mass_below():
    h = histogram([np.linspace(-1, 3, 4001)])
    below = Density.of(h).below(np.array([[-9, -1, 0], [1, 3, 9]]))
    np.testing.assert_allclose(below / below.max(), [[0, 0, 0.25], [0.5, 1, 1]], atol=0.01)
