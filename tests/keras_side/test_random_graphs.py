"""Whatever the graph, rewriting keeps its function and leaves the user's model alone."""

import keras
import numpy as np
import pytest
import random_graphs
import tf_keras
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import noise
from rewriting import difference, named_samples

from tflq.keras_side import Rewriting

DATA = noise(random_graphs.SIZE, random_graphs.SIZE, 3)


def _rewritten(model, steps, *, per_channel, bits, sampled):
    rewriting = Rewriting(model)
    samples = named_samples(model, DATA) if sampled else None
    if "equalize" in steps:
        rewriting.equalize(samples, bits=bits, per_channel=per_channel)
    if "absorb" in steps and sampled:
        rewriting.absorb(samples)
    return rewriting.build()


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_the_function_stays(library, data):
    model = random_graphs.Drawn(data.draw, library).model()
    before = [weight.copy() for weight in model.get_weights()]
    steps = data.draw(st.sets(st.sampled_from(["equalize", "absorb"])))
    rewritten = _rewritten(
        model,
        steps,
        per_channel=data.draw(st.booleans()),
        bits=data.draw(st.sampled_from([4, 8])),
        sampled=data.draw(st.booleans()),
    )
    assert difference(model, rewritten, DATA) < 1e-4
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
