import numpy as np

from tflq._held_out import HeldOut


def _samples(count):
    return [{"x": np.array([i])} for i in range(count)]


def _values(samples):
    return [int(sample["x"][0]) for sample in samples]


def test_every_tenth_sample_is_held_out():
    stream = HeldOut(_samples(30), hold_out=True)
    used = _values(stream)
    assert _values(stream.kept) == [9, 19, 29]
    assert used == [i for i in range(30) if i % 10 != 9]
    assert stream.calibrated == 27 and stream.verification == "held-out"


def test_no_more_are_kept_than_memory_should_hold():
    stream = HeldOut(iter(_samples(1000)), hold_out=True)
    assert len(list(stream)) == 950
    assert len(stream.kept) == 50


def test_few_samples_calibrate_and_judge():
    stream = HeldOut(_samples(4), hold_out=True)
    assert _values(stream) == _values(stream.kept) == [0, 1, 2, 3]
    assert stream.verification == "calibration"


def test_nothing_is_held_out_where_others_judge():
    stream = HeldOut(_samples(30), hold_out=False)
    assert len(list(stream)) == 30
    assert stream.kept == []
