import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflq.ranges._moving_extremes import DECAY, MovingExtremes

extremes = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=30)


def _after(pairs):
    moving = MovingExtremes()
    for low, high in pairs:
        moving = moving.after(low, high)
    return moving


@given(extremes)
def test_average_is_weighted_by_age(pairs):
    weights = DECAY ** np.arange(len(pairs))[::-1]
    expected = np.average(np.array(pairs), axis=0, weights=weights)
    assert _after(pairs).average == pytest.approx(tuple(expected), abs=1e-6)


@given(extremes, st.integers(0, 30))
def test_merging_continues_the_stream(pairs, at):
    merged = _after(pairs[:at]).merge(_after(pairs[at:]))
    assert merged == _after(pairs) and merged.average == _after(pairs).average


@given(st.floats(-1e6, 1e6), st.integers(1, 500))
def test_a_constant_has_no_bias(value, updates):
    assert _after([(value, value)] * updates).average == pytest.approx((value, value))


def test_later_updates_weigh_more():
    assert _after([(0, 0), (0, 1)]).average[1] > 0.5 > _after([(0, 1), (0, 0)]).average[1]


def test_side_by_side_the_wider_one_counts_in_any_order():
    narrow, wide = MovingExtremes(), MovingExtremes()
    for _ in range(100):
        narrow, wide = narrow.after(-1.0, 1.0), wide.after(-0.5, 64.0)
    for pair in (narrow.beside(wide), wide.beside(narrow)):
        assert pair.average == pytest.approx((-1.0, 64.0))


def test_beside_nothing_a_stream_is_itself():
    stream = MovingExtremes().after(-1.0, 2.0)
    assert stream.beside(MovingExtremes()) == MovingExtremes().beside(stream) == stream


def test_side_by_side_streams_may_differ_in_length():
    short = MovingExtremes().after(0.0, 5.0)
    long = MovingExtremes().after(0.0, 1.0).after(0.0, 1.0).after(-3.0, 1.0)
    assert short.beside(long).average == pytest.approx((long.average[0], 5.0))


def test_what_weighs_nothing_any_more_is_forgotten():
    stream = _after([(-1e6, 1e6)] * 100 + [(-1.0, 1.0)] * 4096)
    assert len(stream.lows) == 4096 and stream.average == pytest.approx((-1.0, 1.0), rel=1e-15)
