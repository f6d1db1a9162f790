import dataclasses

import numpy as np
import pytest

from tflq.data import InputSpec


def test_dtype_may_be_anything_that_numpy_takes():
    for dtype in (np.float32, "float32", np.dtype("float32")):
        assert InputSpec("x", (None, 2), dtype).dtype == np.dtype("float32")


def test_the_batch_is_the_first_dimension():
    spec = InputSpec("x", (8, 4, None), np.float32)
    assert spec.sample_shape == (4, None)
    assert (spec.single, spec.batched) == (2, 3)


def test_it_is_frozen_and_hashable():
    spec = InputSpec("x", (None,), np.int32)
    assert len({spec, InputSpec("x", (None,), "int32")}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "y"
