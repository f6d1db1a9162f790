import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflq._fidelity import FidelityMeter, sqnr_db


def _measure(pairs):
    meter = FidelityMeter("y")
    for index, (reference, candidate) in enumerate(pairs):
        meter.update(index, np.asarray(reference, np.float32), np.asarray(candidate, np.float32))
    return meter.result()


def test_equal_outputs():
    result = _measure([([[1.0, 2.0]], [[1.0, 2.0]])] * 3)
    assert result.sqnr_db == math.inf and result.largest_error == 0
    assert result.cosine == pytest.approx(1) and result.top1_agreement == 1
    assert result.samples == 3


def test_figures_by_hand():
    result = _measure([([[3.0, 4.0]], [[3.0, 3.0]]), ([[0.0, 5.0]], [[1.0, 5.0]])])
    assert result.sqnr_db == pytest.approx(10 * math.log10(50 / 2))
    assert result.cosine == pytest.approx((9 + 12 + 25) / math.sqrt(50 * 44))
    assert result.top1_agreement == 0.5
    assert result.largest_error == 1


def test_the_worst_samples_come_first():
    pairs = [([[10.0, 0.0]], [[10.0, float(error)]]) for error in (1, 5, 0, 3, 2, 4, 0)]
    assert [index for index, _ in _measure(pairs).worst] == [1, 5, 3, 4, 0]


def test_maps_agree_by_position_and_single_values_not_at_all():
    reference = np.zeros((1, 2, 2, 3))
    reference[..., 1] = 1
    candidate = reference.copy()
    candidate[0, 0, 0] = (2, 0, 0)
    assert _measure([(reference, candidate)]).top1_agreement == 0.75
    assert _measure([([[1.0]], [[2.0]])]).top1_agreement is None


def test_silence_and_noise():
    assert sqnr_db(0.0, 0.0) == math.inf
    assert sqnr_db(0.0, 1.0) == -math.inf
    assert _measure([([[0.0, 0.0]], [[0.0, 0.0]])]).cosine == 1
    assert _measure([([[0.0, 0.0]], [[1.0, 0.0]])]).cosine == 0


@given(st.lists(st.floats(-10, 10, width=32), min_size=2, max_size=20), st.floats(0.01, 1))
def test_more_noise_is_a_lower_ratio(values, noise):
    reference = np.array([values], np.float32)
    less = _measure([(reference, reference + np.float32(noise))])
    more = _measure([(reference, reference + np.float32(2 * noise))])
    assert more.sqnr_db <= less.sqnr_db
    assert more.largest_error >= less.largest_error


outputs = st.lists(
    st.lists(
        st.tuples(st.floats(-9, 9, width=32), st.floats(-9, 9, width=32)), min_size=3, max_size=3
    ),
    min_size=1,
    max_size=12,
)


@given(outputs, st.lists(st.integers(0, 12), max_size=3))
def test_parts_merge_into_the_whole_bit_for_bit(stream, cuts):
    whole = FidelityMeter("y")
    parts = [FidelityMeter("y") for _ in range(len(cuts) + 1)]
    for index, pairs in enumerate(stream):
        reference, candidate = (np.array(values) for values in zip(*pairs, strict=True))
        whole.update(index, reference, candidate)
        parts[sum(index >= cut for cut in cuts)].update(index, reference, candidate)
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    assert merged.result() == whole.result()


def test_channels_of_unlike_ranges_are_told_apart():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(12, 1, 7, 3)) * [100.0, 1.0, 1.0]
    candidate = reference + np.array([1.0, 0.0, 1.0])
    whole, parts = FidelityMeter("y"), [FidelityMeter("y"), FidelityMeter("y")]
    for index, pair in enumerate(zip(reference, candidate, strict=True)):
        whole.update(index, *pair)
        parts[index % 2].update(index, *pair)
    first, second, third = whole.result().channels_db
    assert first == pytest.approx(40, abs=2) and second == np.inf and abs(third) < 3
    assert parts[1].merge(parts[0]).result() == whole.result()


def test_channels_of_one_kind_are_not():
    meter = FidelityMeter("y")
    meter.update(0, np.array([[1.0, 5.0, -9.0]]), np.array([[1.1, 5.0, -9.0]]))
    assert meter.result().channels_db == ()


def test_what_is_no_number_is_no_perfect_match():
    meters = [FidelityMeter("y") for _ in range(2)]
    good, bad = np.array([[1.0, 2.0]]), np.array([[np.nan, 2.0]])
    meters[0].update(0, good, bad)
    meters[1].update(1, good, good)
    for meter in (meters[0].merge(meters[1]), meters[1].merge(meters[0])):
        assert np.isnan(meter.result().largest_error)
        meter.update(2, good, good)
        assert np.isnan(meter.result().largest_error)
