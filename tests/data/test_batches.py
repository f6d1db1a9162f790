import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflq import UserError
from tflq.data import InputSpec, batches, samples


def _samples(count):
    return [{"x": np.full((1, 3), i, np.float32), "n": np.array([i])} for i in range(count)]


@given(st.integers(1, 20), st.integers(1, 6))
def test_full_batches_in_order(count, size):
    if count < size:
        with pytest.raises(UserError, match=f"yields {count} .* batches of exactly {size}"):
            list(batches(_samples(count), size))
        return
    came = list(batches(_samples(count), size))
    assert [b["x"].shape for b in came] == [(size, 3)] * (count // size)
    assert np.concatenate([b["n"] for b in came]).tolist() == list(range(count // size * size))


def test_it_reads_no_further_than_the_batch():
    source = iter(_samples(10))
    next(batches(source, 4))
    assert len(list(source)) == 6


def test_an_endless_source():
    endless = ({"x": np.ones((1, 2))} for _ in itertools.count())
    assert len(list(itertools.islice(batches(endless, 3), 2))) == 2


def test_shapes_in_a_batch_are_equal():
    odd = [{"x": np.ones((1, n))} for n in (2, 2, 2, 2, 2, 5)]
    with pytest.raises(UserError, match=r"sample 5 of input 'x' has shape \(5,\) and sample 4 "):
        list(batches(odd, 2))


def test_samples_go_in():
    found = samples(np.ones((5, 3)), [InputSpec("x", (2, 3), np.float32)])
    assert [b["x"].shape for b in batches(found, 2)] == [(2, 3)] * 2


def test_the_message_of_no_sample_stays():
    with pytest.raises(UserError, match="no sample"):
        list(batches(samples([], [InputSpec("x", (2, 3), np.float32)]), 2))
