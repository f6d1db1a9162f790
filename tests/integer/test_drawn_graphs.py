"""Networks that nobody thought of: every code is the runtime's."""

import keras
import numpy as np
import ops
import pytest
import random_graphs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import noise

from tflq.integer import parity

SIZE = random_graphs.SIZE
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.parametrize("scheme", ["w8a8", "w8a8-per-tensor", "w4a8"])
@settings(max_examples=3, deadline=None, suppress_health_check=CHECKS)
@given(data=st.data())
def test_random_graphs(tmp_path, scheme, data):
    keras.utils.set_random_seed(0)
    model = random_graphs.Drawn(data.draw, keras).model()
    content = ops.exported(model, noise(SIZE, SIZE, 3), tmp_path, scheme=scheme)
    found = parity(content, noise(SIZE, SIZE, 3, seed=1) * np.float32(1.5))
    assert found.identical == 1.0, str(found)
    if not found.approximate:
        assert set(found.outputs.values()) == {1.0}, str(found)
    assert found.approximate == {}, str(found)
