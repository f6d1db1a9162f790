import numpy as np
import pytest

from tflq import UserError
from tflq._spool import Spool


def _samples():
    for i in range(4):
        yield {"image": np.full((1, 2, 2), i, np.float32), "ids": np.array([[i]], np.int32)}


def test_a_generator_is_read_once_and_given_often():
    drawn = []
    spool = Spool(drawn.append(i) or sample for i, sample in enumerate(_samples()))
    for _ in range(3):
        for sample, expected in zip(spool, _samples(), strict=True):
            assert list(sample) == ["image", "ids"]
            for name in expected:
                np.testing.assert_array_equal(sample[name], expected[name])
                assert sample[name].dtype == expected[name].dtype
    assert drawn == [0, 1, 2, 3]


def test_it_is_as_lazy_as_its_source():
    first = next(iter(Spool(_samples())))
    assert first["ids"][0, 0] == 0


def test_an_empty_stream_stays_empty():
    spool = Spool(iter(()))
    assert list(spool) == list(spool) == []


def test_a_full_disk_is_told(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(UserError, match="takes no more temporary files: No space left on device"):
        list(Spool(_samples()))


def test_what_the_samples_raise_is_not_of_the_disk():
    def broken():
        yield from _samples()
        raise OSError("of the user's")

    with pytest.raises(OSError, match="of the user's"):
        list(Spool(broken()))
