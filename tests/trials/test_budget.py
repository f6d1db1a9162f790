"""Budgets, and what is best within them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflq import UserError
from tflq.trials import Trial, best_of, front_of, make_budget


def trial(number, value, *, sqnr=20.0, size=1000, latency=1.0):
    return Trial(number=number, stage="x", value=value, sqnr_db=sqnr, size=size, latency=latency)


PLAIN = trial(0, 98.0)


def rank(trial):
    return trial.rank


@pytest.mark.parametrize(
    ("given", "bytes_at_most"),
    [(1500, 1500), ("1500", 1500), ("4MB", 4e6), ("900 kB", 9e5), ("0.8x", 800), ("2e3b", 2000)],
)
def test_sizes_are_bytes_or_relative(given, bytes_at_most):
    assert make_budget(None, None, given).bytes_at_most(PLAIN) == bytes_at_most


@pytest.mark.parametrize("given", [1.1, "1.1", "1.1x", "1.1 X"])
def test_latencies_are_multiples(given):
    assert make_budget(None, given, None).max_latency == 1.1


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((None, None, None), "there is no budget; give max_drop="),
        ((-1.0, None, None), r"max_drop=-1.0 is out of range"),
        ((float("nan"), None, None), "max_drop=nan is out of range"),
        ((None, "5ms", None), r"max_latency='5ms' is malformed; write it as 1.1x"),
        ((None, "0x", None), "max_latency='0x' is malformed"),
        ((None, None, "4 apples"), "max_size='4 apples' is malformed; write it as 4MB"),
        ((None, None, -3), "max_size=-3 is malformed"),
    ],
)
def test_malformed_bounds_are_refused(bounds, words):
    with pytest.raises(UserError, match=words):
        make_budget(*bounds)


def test_misses_say_by_how_much():
    budget = make_budget(0.5, "1.1x", "0.5x")
    found = budget.misses(trial(1, 99.0, size=600, latency=1.3), 100.0, PLAIN)
    assert found == pytest.approx({"max_drop": 0.5, "max_latency": 0.2, "max_size": 100})
    assert budget.misses(trial(1, 99.5, size=500, latency=1.1), 100.0, PLAIN) == {}


def test_the_fastest_within_the_drop_is_best_then_the_most_accurate():
    trials = [trial(0, 98), trial(1, 99.6, latency=1.5), trial(2, 99.5), trial(3, 99.5, sqnr=25)]
    best, met = best_of(trials, make_budget(0.5, None, None), 100.0, rank)
    assert (best.number, met) == (3, True)


def test_without_a_drop_the_most_accurate_is_best():
    trials = [trial(0, 98), trial(1, 99, latency=1.1), trial(2, 99.9, latency=1.2)]
    best, met = best_of(trials, make_budget(None, 1.1, None), 100.0, rank)
    assert (best.number, met) == (1, True)


def test_the_nearest_misses_fewest_bounds_by_least():
    trials = [trial(0, 90), trial(1, 99, latency=2.0), trial(2, 98, latency=1.0)]
    best, met = best_of(trials, make_budget(0.5, 1.1, None), 100.0, rank)
    assert (best.number, met) == (2, False)
    failed = Trial(number=3, stage="x", error="no")
    assert best_of([*trials, failed], make_budget(0.5, 1.1, None), 100.0, rank)[0] == best


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 4)), min_size=1, max_size=12
    )
)
def test_the_front_is_what_nothing_beats(costs):
    trials = [trial(i, v, latency=t, size=s) for i, (v, t, s) in enumerate(costs)]
    front = front_of(trials, rank)
    assert front
    for one in trials:
        as_good = [
            t
            for t in front
            if t.value >= one.value and t.latency <= one.latency and t.size <= one.size
        ]
        assert as_good
        if one in front:
            assert as_good == [one]


def test_failed_trials_are_on_no_front():
    assert front_of([Trial(number=0, stage="x", error="no"), trial(1, 1)], rank)[0].number == 1


def test_the_best_within_a_drop_is_on_the_front():
    trials = [trial(0, 98), trial(1, 99.6, sqnr=25, size=1001), trial(2, 99.6, sqnr=24)]

    def by_sqnr(trial):
        return (trial.sqnr_db,)

    best, _ = best_of(trials, make_budget(0.5, None, None), 100.0, by_sqnr)
    assert best.number == 1
    assert [t.number for t in front_of(trials, by_sqnr)] == [1, 2]
