"""The networks of tools/fashion_networks.py."""

import fashion_networks
import numpy as np
import pytest
from networks import settle
from rewriting import difference

from tflq.keras_side import Rewriting


@pytest.fixture(params=["mobilenet_v1", "mobilenet_v2"])
def network(request):
    data = np.random.default_rng(0).uniform(-1, 1, (64, 32, 32, 1)).astype(np.float32)
    return settle(getattr(fashion_networks, request.param)(), data), data


def test_unbalancing_keeps_the_function_and_spreads_ranges(network):
    model, data = network
    unlike = fashion_networks.imbalance(model, data, ratio=1000.0, seed=0)
    assert difference(model, unlike, data) < 1e-3
    spreads = [
        {name: r.max() / np.median(r) for name, r in Rewriting(one).weight_ranges().items()}
        for one in (model, unlike)
    ]
    depthwise = [name for name in spreads[0] if name.endswith("_dw_conv")]
    assert all(spreads[1][name] > 5 for name in depthwise[1:])
    assert np.median([spreads[1][n] / spreads[0][n] for n in depthwise]) > 3


def test_the_users_model_stays_as_it_is(network):
    model, data = network
    before = [weight.copy() for weight in model.get_weights()]
    fashion_networks.imbalance(model, data, ratio=1000.0, seed=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
