"""Folding, equalization and absorption keep what well-known architectures compute."""

import networks
import pytest
from rewriting import difference, named_samples

from tflq.keras_side import Rewriting

# Of InceptionV3's logits, rounding in float32 alone moves 1.6e-4: random weights amplify it.
LIMITS = dict.fromkeys(networks.APPLICATIONS, 1e-4) | {"InceptionV3": 1e-3}


@pytest.mark.parametrize("name", LIMITS)
def test_the_function_stays(name):
    model, data = networks.application(name)
    rewriting = Rewriting(model)
    samples = named_samples(model, data)
    rewriting.equalize(samples, bits=8, per_channel=False)
    rewriting.absorb(samples)
    assert difference(model, rewriting.build(), data) < LIMITS[name]
