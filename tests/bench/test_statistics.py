import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq.bench import speed_up, summarize

LATENCY = st.floats(1e-3, 1e3)
ROUNDS = st.lists(st.lists(LATENCY, min_size=1, max_size=20), min_size=1, max_size=8)


def _rounds(rng, count, *, middle=1.0, between=0.03):
    """Rounds whose middles differ, as those of a real process do."""
    return [rng.lognormal(np.log(middle) + d, 0.05, 60) for d in rng.normal(0, between, count)]


@settings(max_examples=40, deadline=None)
@given(ROUNDS)
def test_a_summary_is_in_order(rounds):
    latency = summarize(rounds)
    everything = np.concatenate(rounds)
    assert latency.count == everything.size and len(latency.rounds) == len(rounds)
    assert everything.min() <= latency.p50 <= latency.p90 <= latency.p99 <= everything.max()
    assert latency.low <= latency.p50 <= latency.high
    assert latency.mean == pytest.approx(everything.mean())
    assert summarize(rounds) == latency, "the bootstrap has a seed"


def test_known_percentiles():
    latency = summarize([range(1, 102)])
    assert (latency.p50, latency.p90, latency.p99) == (51, 91, 100)
    assert latency.sd == pytest.approx(np.std(range(1, 102), ddof=1))


def test_the_interval_holds_the_truth_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(80):
        latency = summarize(_rounds(rng, 6), seed=trial)
        held += latency.low <= 1 <= latency.high
    assert held >= 74


def test_no_difference_is_seldom_taken_for_one():
    rng = np.random.default_rng(1)
    verdicts = [
        speed_up(_rounds(rng, 6), _rounds(rng, 6), seed=trial).verdict for trial in range(80)
    ]
    assert verdicts.count("no difference shown") >= 74


@pytest.mark.parametrize(("factor", "verdict"), [(2.0, "faster"), (0.5, "slower"), (1.1, "faster")])
def test_a_difference_is_seen_through_common_drift(factor, verdict):
    rng = np.random.default_rng(2)
    drift = np.linspace(1, 3, 10)
    candidate = [d * rng.lognormal(0, 0.02, 50) for d in drift]
    baseline = [factor * d * rng.lognormal(0, 0.02, 50) for d in drift]
    found = speed_up(candidate, baseline)
    assert found.verdict == verdict and found.low <= factor <= found.high
    assert found.ratio == pytest.approx(factor, rel=0.02)


def test_two_rounds_cannot_tell():
    assert speed_up([[1.0], [1.0]], [[9.0], [9.0]]).verdict == "too few rounds"


def test_as_many_rounds_of_both():
    with pytest.raises(ValueError, match="zip"):
        speed_up([[1.0]], [[1.0], [1.0]])


@pytest.mark.parametrize(
    ("rounds", "slowed"),
    [
        ((1.0, 1.0, 1.1, 1.2, 1.3, 1.3), True),
        ((1.0, 1.3, 1.1, 1.2, 1.3, 1.2), False),
        ((1.3, 1.2, 1.1, 1.0, 1.0, 1.0), False),
        ((1.0, 1.01, 1.02, 1.03, 1.04, 1.05), False),
        ((1.0, 2.0), False),
    ],
)
def test_slowing_down(rounds, slowed):
    latency = dataclasses.replace(summarize([[1.0]]), rounds=rounds)
    assert latency.slowed is slowed
