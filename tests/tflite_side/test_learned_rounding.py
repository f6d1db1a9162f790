import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq.tflite_side._adaround import adaround
from tflq.tflite_side._checkpoint import Checkpoint
from tflq.tflite_side._layer_problem import LayerProblem
from tflq.tflite_side._least_squares import least_squares

METHODS = {"adaround": adaround, "least_squares": least_squares}


def problem(*, groups=1, k=12, outputs=5, seed=0, bits=4, per_channel=True, limits=None):
    """A layer whose inputs are correlated, as activations are."""
    rng = np.random.default_rng(seed)
    mixed = np.eye(k) + 0.3 * rng.normal(size=(k, k))
    rows = np.maximum(rng.normal(size=(groups, 2000, k)) @ mixed, 0).astype(np.float32)
    weights = rng.normal(size=(groups, k, outputs)).astype(np.float32)
    mean = rows.mean(axis=1, keepdims=True)
    bias = rng.normal(size=(groups, 1, outputs)).astype(np.float32) + mean @ weights
    highest = 2 ** (bits - 1) - 1
    largest = np.abs(weights).max(axis=1, keepdims=True) if per_channel else np.abs(weights).max()
    return LayerProblem(
        rows=rows - mean,
        weights=weights,
        bias=bias,
        target=(rows - mean) @ weights + bias,
        limits=limits or (-np.inf, np.inf),
        scale=np.broadcast_to(largest / highest, bias.shape).astype(np.float32),
        highest=highest,
        per_channel=per_channel,
    )


def error(layer, codes, scale):
    """Squared error behind the activation, once biases are corrected."""
    outputs = layer.rows @ (codes * scale) + layer.bias
    lost = np.clip(outputs, *layer.limits) - np.clip(layer.target, *layer.limits)
    return float(np.square(lost).mean(axis=1).sum())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "options",
    [
        {"k": 96},
        {"groups": 6, "k": 9, "outputs": 1},
        {"k": 96, "per_channel": False},
        {"k": 96, "limits": (0.0, 6.0)},
    ],
    ids=["dense", "depthwise", "per tensor", "relu6"],
)
def test_learned_rounding_beats_rounding_to_nearest(method, options):
    layer = problem(**options)
    rounded = METHODS[method](layer)
    nearest = error(layer, layer.round(layer.weights, layer.scale), layer.scale)
    # On these rows; the pull to the float weights leaves some of it for others.
    assert error(layer, rounded.codes, rounded.scale) < 0.9 * nearest
    np.testing.assert_array_equal(rounded.codes, np.rint(rounded.codes))
    assert np.abs(rounded.codes).max() <= layer.highest


@pytest.mark.parametrize("method", METHODS)
def test_the_same_problem_has_the_same_solution(method):
    first, second = METHODS[method](problem()), METHODS[method](problem())
    np.testing.assert_array_equal(first.codes, second.codes)
    np.testing.assert_array_equal(first.scale, second.scale)


def test_adaround_rounds_up_or_down():
    layer = problem()
    steps = adaround(layer).codes - np.floor(layer.weights / layer.scale)
    inside = np.abs(layer.weights / layer.scale) < layer.highest - 1
    assert set(np.unique(steps[inside])) <= {0.0, 1.0}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**16), bits=st.integers(2, 8), per_channel=st.booleans())
def test_descent_never_ends_above_nearest_by_its_own_measure(seed, bits, per_channel):
    layer = problem(seed=seed, bits=bits, per_channel=per_channel)
    rounded = least_squares(layer)
    nearest = error(layer, layer.round(layer.weights, layer.scale), layer.scale)
    # The measure is damped, so that it is not quite the error on these rows.
    assert error(layer, rounded.codes, rounded.scale) <= 1.1 * nearest + 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_inputs_that_never_vary_are_survived(method):
    layer = problem()
    layer = dataclasses.replace(layer, rows=np.zeros_like(layer.rows))
    rounded = METHODS[method](layer)
    assert np.isfinite(rounded.codes).all()
    assert np.isfinite(rounded.scale).all()


def test_one_scale_for_all_stays():
    layer = problem(per_channel=False)
    np.testing.assert_array_equal(least_squares(layer).scale, layer.scale)


def test_a_checkpoint_gives_back_what_was_solved(tmp_path):
    layer, stored = problem(), Checkpoint(tmp_path / "work")
    assert stored.load("adaround", layer) is None
    rounded = least_squares(layer)
    stored.save("adaround", layer, rounded)
    again = stored.load("adaround", problem())
    np.testing.assert_array_equal(again.codes, rounded.codes)
    np.testing.assert_array_equal(again.scale, rounded.scale)
    assert stored.load("least_squares", layer) is None
    assert stored.load("adaround", problem(seed=1)) is None
    stored.clear()
    assert not (tmp_path / "work").exists()
