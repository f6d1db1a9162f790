import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streams import histogram

from tflq.ranges import Histogram, NotFiniteError
from tflq.ranges._histogram import BINS, _exponent, _stride

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
# Values that meet: spikes, extremes, signed zeros, the smallest and the largest numbers.
special = st.sampled_from([0.0, -0.0, 6.0, -1.0, 1.0, 1e-45, -1e-45, 1e-38, 3e38, -3e38])
# Neighbours of 6, as float32 knows them.
close = st.integers(-3000, 3000).map(lambda steps: 6 + steps * 2.0**-22 * (1 + (steps > 0)))
values = st.one_of(finite, special, st.floats(-8, 8, width=32), close)
some = st.one_of(st.lists(kind, min_size=1, max_size=12) for kind in (values, close, special))
samples = some.map(lambda v: np.array(v, np.float32))


def state(h):
    """All that does not depend on the order of updates."""
    return (
        h.minimum,
        h.maximum,
        h.count,
        h.exponent,
        h.atoms,
        h._first,
        h._bins.tobytes(),
        h._bins.dtype,
    )


@given(st.lists(samples, min_size=1, max_size=8), st.data())
def test_shards_merged_in_any_way_are_the_whole(stream, data):
    whole = histogram(stream)
    parts = [histogram([sample]) for sample in stream]
    while len(parts) > 1:
        at = data.draw(st.integers(0, len(parts) - 2))
        parts[at : at + 2] = [parts[at].merge(parts[at + 1])]
    assert state(parts[0]) == state(whole)
    assert parts[0].moving.average == pytest.approx(whole.moving.average, rel=1e-12, abs=1e-300)


@given(st.lists(samples, min_size=1, max_size=8), st.randoms())
def test_order_does_not_matter(stream, random):
    shuffled = random.sample(stream, len(stream))
    assert state(histogram(shuffled)) == state(histogram(stream))
    merged = reduce(Histogram.merge, (histogram([sample]) for sample in shuffled), Histogram())
    assert state(merged) == state(histogram(stream))


@given(st.integers(0, 10_000))
def test_shards_of_large_tensors_too(seed):
    rng = np.random.default_rng(seed)
    stream = [
        np.clip(rng.normal(size=40_000) * 10.0 ** rng.integers(-3, 3), -1, 6).astype(np.float32)
        for _ in range(4)
    ]
    halves = histogram(stream[:2]), histogram(stream[2:])
    assert state(halves[0].merge(halves[1])) == state(histogram(stream))
    assert state(halves[1].merge(halves[0])) == state(histogram(stream))


@given(st.lists(samples, min_size=1, max_size=4))
def test_every_value_is_counted_in_its_bin(stream):
    h = histogram(stream)
    x = np.concatenate(stream)
    assert (h.minimum, h.maximum, h.count) == (x.min(), x.max(), x.size)
    assert h.mass.size <= BINS
    assert (h.mass >= 0).all()
    assert h.mass.sum() + sum(count for _, count in h.atoms) == x.size
    for value, count in h.atoms:
        assert count == np.count_nonzero(x == value)
    others = x[~np.isin(x, [value for value, _ in h.atoms])]
    expected, _ = np.histogram(others, bins=_nominal_edges(h))
    np.testing.assert_array_equal(h.mass, expected)


def _nominal_edges(h):
    return (math.floor(h.minimum / h.width) + np.arange(h.mass.size + 1)) * h.width


@given(samples)
def test_edges(sample):
    h = histogram([sample])
    edges = h.edges
    assert edges.size == h.mass.size + 1
    assert (edges[0], edges[-1]) == (h.minimum, h.maximum)
    assert (np.diff(edges) >= 0).all() and (np.diff(edges) <= h.width).all()
    assert all(value in edges for value, _ in h.atoms)


@given(st.lists(samples, min_size=2, max_size=2), close)
def test_bins_only_grow(pair, value):
    low, high = histogram(pair[:1]).exponent, histogram(pair).exponent
    assert low <= high
    assert histogram([[value]]).exponent <= histogram([[value, 6]]).exponent


@given(values, values)
def test_bins_are_as_fine_as_they_can_be(a, b):
    low, high = sorted((float(np.float32(a)) + 0.0, float(np.float32(b)) + 0.0))
    exponent = _exponent(low, high)

    def bins(e):
        return math.floor(math.ldexp(high, -e)) - math.floor(math.ldexp(low, -e)) + 1

    assert bins(exponent) <= BINS
    largest = max(abs(low), abs(high))
    finest = exponent == -149 or math.ldexp(largest, -(exponent - 1)) >= 2**24
    # A difference of floats may round up to the next power of two, hence the 2.
    assert finest or bins(exponent - 1) >= BINS - 2


def test_values_of_relu6():
    h = histogram([[0, 0, 0, 1.5, 6, 6], [0, 3, 6]])
    assert h.atoms == ((0.0, 4.0), (6.0, 3.0))
    assert h.mass.sum() == 2


def test_an_old_extreme_is_no_atom_any_more():
    h = histogram([[1, 1, 2, 2, 2], [0.5, 3]])
    assert h.atoms == ((0.5, 1.0), (3.0, 1.0))
    assert h.mass.sum() == 5


def test_zero_among_the_extremes_is_one_atom():
    assert histogram([[0, 0, 1]]).atoms == ((0.0, 2.0), (1.0, 1.0))
    assert histogram([[-1, 0, 0]]).atoms == ((-1.0, 1.0), (0.0, 2.0))
    assert histogram([[-0.0, 0.0]]).atoms == ((0.0, 2.0),)


@pytest.mark.parametrize("value", [0.0, 2.5, -2.5, 1e-45, 3e38])
def test_constants(value):
    h = histogram([np.full(7, value)])
    assert h.mass.sum() == 0
    ((place, count),) = h.atoms
    assert (place, count) == (np.float32(value), 7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.filterwarnings("error")
def test_what_is_not_finite_changes_nothing(bad):
    h = histogram([[1, 2, 3]])
    before = state(h), h.moving
    with pytest.raises(NotFiniteError, match=str(abs(bad))):
        h.update(np.array([0, bad, 100], np.float32))
    assert (state(h), h.moving) == before


def test_empty_samples_do_nothing():
    h = histogram([np.zeros(0)])
    assert h.count == 0 and h.atoms == ()
    full = histogram([[1, 2]])
    assert state(full.merge(h)) == state(h.merge(full)) == state(full)


def test_merge_and_copy_leave_the_original_alone():
    a, b = histogram([[1, 2, 3]]), histogram([[-5, 50]])
    before = state(a), state(b)
    a.merge(b)
    a.copy().update(np.array([100], np.float32))
    a.merge(Histogram()).update(np.array([2], np.float32))
    assert (state(a), state(b)) == before


def test_shape_and_layout_do_not_matter_but_for_the_stride():
    x = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    assert state(histogram([x])) == state(histogram([x.T])) == state(histogram([x.ravel()]))


@given(st.integers(1, 10**7))
def test_strides_are_coprime_with_the_size(size):
    stride = _stride(size)
    assert math.gcd(stride, size) == 1
    if size < 2 * 8192:
        assert stride == 1
    else:
        assert 2000 < size // stride < 3 * 8192


def test_large_tensors_miss_no_channel():
    channels = 96
    x = np.broadcast_to(np.arange(channels, dtype=np.float32), (56, 56, channels))
    h = histogram([x])
    counts = h.mass[h.mass > 0]
    assert counts.size == channels - 2
    np.testing.assert_allclose(counts, 56 * 56, rtol=0.05)


def test_extremes_of_large_tensors_are_exact():
    x = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    x[1], x[2] = 100, -100
    h = histogram([x])
    assert _stride(x.size) > 2
    assert h.atoms[0] == (-100.0, 1.0) and h.atoms[-1] == (100.0, 1.0)
    assert h.count == x.size
    assert h.mass.sum() == pytest.approx(x.size, rel=1e-3)
    assert (h.mass >= 0).all()


def test_a_lone_zero_between_sampled_values_is_kept_as_extreme():
    x = np.ones(100_000, np.float32)
    x[1] = 0
    assert histogram([x]).atoms[0] == (0.0, 1.0)


def test_samples_of_all_sizes_weigh_by_their_size():
    rng = np.random.default_rng(0)
    small, large = rng.uniform(0, 1, 1000), rng.uniform(1, 2, 100_000)
    h = histogram([small, large])
    below = h.mass[h.edges[1:] <= 1].sum()
    assert below / h.mass.sum() == pytest.approx(1 / 101, rel=0.02)


def test_bins_follow_the_distribution():
    h = histogram([np.random.default_rng(0).uniform(-1, 3, 8000)])
    assert h.width == 4 / 2048
    share = h.mass[h.edges[1:] <= 0].sum() / h.mass.sum()
    assert share == pytest.approx(0.25, abs=0.02)
