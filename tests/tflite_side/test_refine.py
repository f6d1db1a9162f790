import numpy as np
import pytest
import tensorflow as tf
from builders import tflite, weights

from tflq import UserError
from tflq.affine import Mode, parameters
from tflq.tflite_side import (
    Checkpoint,
    Graph,
    Plan,
    Runner,
    analytic_corrections,
    refine,
    with_constants,
)
from tflq.tflite_side import _refine as refine_module
from tflq.tflite_side._kernel_rules import activations
from tflq.tflite_side._layer_problem import Rounded
from tflq.tflite_side._plan import round_weights
from tflq.tflite_side._unfuse import unfuse
from tflq.tflite_side._weights import SLOTS, bias_of, weighted_ops, weights_of


def _network(x):
    x = tf.nn.relu6(tf.nn.conv2d(x, weights(3, 3, 4, 8), 1, "SAME") + weights(8))
    kernel = weights(3, 3, 8, 1, seed=1)
    x = tf.nn.relu(tf.nn.depthwise_conv2d(x, kernel, [1] * 4, "SAME") + weights(8, seed=2))
    return tf.matmul(tf.reduce_mean(x, [1, 2]), weights(8, 5, seed=3)) + weights(5, seed=4)


@pytest.fixture(scope="module")
def content():
    return tflite(_network, (1, 6, 6, 4))


@pytest.fixture(scope="module")
def samples(content):
    name = Runner(content).inputs[0].name
    return [{name: np.abs(weights(1, 6, 6, 4, seed=seed))} for seed in range(24)]


def _plan(content, samples, *, bits=3, per_channel=False):
    graph, runner = Graph.from_bytes(content), Runner(content, keep_all=True)
    ranges = {}
    for sample in samples:
        runner.run(sample)
        for index in activations(graph):
            value = np.array(runner.view(index)())
            low, high = ranges.get(index, (0.0, 0.0))
            ranges[index] = min(low, float(value.min())), max(high, float(value.max()))
    axes = {weights_of(graph, op): SLOTS[op.kind].channel_axis for op in weighted_ops(graph)}
    largest = {
        index: np.array([np.abs(c).max() for c in np.moveaxis(graph.constant(index), axis, 0)])
        for index, axis in axes.items()
    }
    return Plan(
        doors={i: parameters(*r, bits=8, mode=Mode.ASYMMETRIC) for i, r in ranges.items()},
        bounds={
            index: (bound if per_channel else bound.max(keepdims=True)).astype(float)
            for index, bound in largest.items()
        },
        bits=dict.fromkeys(axes, bits),
    )


def _refined(content, samples, *, per_channel=False, **options):
    plan = _plan(content, samples, per_channel=per_channel)
    refined = refine(content, plan, samples, Runner(content).inputs, **options)
    return with_constants(content, refined.constants), refined


def _outputs(content, samples):
    runner = Runner(content)
    return np.concatenate([runner.run(sample)[0] for sample in samples])


def test_bias_correction_takes_mean_errors_away(content, samples):
    graph, plan = Graph.from_bytes(content), _plan(content, samples)
    rounded = {weights_of(graph, op): round_weights(graph, op, plan) for op in weighted_ops(graph)}
    corrected, _ = _refined(content, samples, rounding="nearest")
    wanted = _outputs(content, samples)
    errors = [
        np.abs((_outputs(file, samples) - wanted).mean(axis=0)).max()
        for file in (with_constants(content, rounded), corrected)
    ]
    # Activations that bend are why something is left.
    assert errors[1] < 0.4 * errors[0]


@pytest.mark.parametrize("rounding", ["least_squares", "adaround"])
def test_learned_rounding_comes_closer_on_what_it_has_not_seen(content, samples, rounding):
    (name,) = samples[0]
    unseen = [{name: np.abs(weights(1, 6, 6, 4, seed=seed))} for seed in range(1000, 1060)]
    wanted = _outputs(content, unseen)
    nearest, _ = _refined(content, samples, rounding="nearest", per_channel=True)
    learned, _ = _refined(content, samples, rounding=rounding, per_channel=True)
    errors = [np.square(_outputs(file, unseen) - wanted).mean() for file in (nearest, learned)]
    assert errors[1] < 0.7 * errors[0]


def test_weights_lie_on_the_grid_of_the_bounds(content, samples):
    _, refined = _refined(content, samples, rounding="adaround")
    graph = Graph.from_bytes(content)
    for op in weighted_ops(graph):
        index = weights_of(graph, op)
        codes = refined.constants[index] / (refined.bounds[index].max() / 3)
        np.testing.assert_allclose(codes, np.rint(codes), atol=1e-4)


def test_it_goes_on_where_it_was_stopped(content, samples, tmp_path, monkeypatch):
    solved = []

    def solve(problem):
        if len(solved) == stop:
            raise KeyboardInterrupt
        solved.append(problem)
        return Rounded(codes=problem.round(problem.weights, problem.scale), scale=problem.scale)

    monkeypatch.setitem(refine_module.ROUNDINGS, "adaround", solve)
    options = {
        "rounding": "adaround",
        "checkpoint": Checkpoint(tmp_path / "work"),
    }
    stop = 1
    with pytest.raises(KeyboardInterrupt):
        _refined(content, samples, **options)
    stop = None
    _refined(content, samples, **options)
    assert len(solved) == len(weighted_ops(Graph.from_bytes(content)))


def test_samples_of_two_shapes_are_refused():
    content = tflite(lambda x: tf.nn.relu(x), (1, None, 4))
    name = Runner(content).inputs[0].name
    samples = [{name: np.ones((1, n, 4), np.float32)} for n in (2, 3)]
    plan = Plan(doors={}, bounds={}, bits={})
    with pytest.raises(UserError, match="one shape"):
        refine(
            content,
            plan,
            samples,
            Runner(content).inputs,
            rounding="nearest",
        )


def test_analytic_correction_uses_the_means_it_is_given(content, samples):
    graph, plan = Graph.from_bytes(content), _plan(content, samples)
    first = weighted_ops(graph)[0]
    runner = Runner(content, keep_all=True)
    inputs = np.concatenate([sample[runner.inputs[0].name] for sample in samples])
    corrected = analytic_corrections(
        graph, {}, plan, {"first": inputs.mean(axis=(0, 1, 2))}, lambda part: "first"
    )
    exact = refine(content, plan, samples, runner.inputs, rounding="nearest").constants
    bias = bias_of(graph, first)
    moved = exact[bias] - graph.constant(bias)
    # Borders see zeros, which the analytic mean leaves out.
    np.testing.assert_allclose(corrected[bias] - graph.constant(bias), moved, atol=0.5)
    assert np.corrcoef(corrected[bias] - graph.constant(bias), moved)[0, 1] > 0.95


def test_unfused_outputs_come_before_the_activation(content, samples):
    linear, before = unfuse(content)
    graph = Graph.from_bytes(content)
    output = weighted_ops(graph)[0].outputs[0]
    assert before[output] != output
    runner = Runner(linear, keep_all=True)
    (made,) = runner.run(samples[0])
    np.testing.assert_allclose(made, Runner(content).run(samples[0])[0], rtol=1e-5)
    value, capped = (np.array(runner.view(index)()) for index in (before[output], output))
    assert value.min() < 0
    np.testing.assert_allclose(np.clip(value, 0, 6), capped, atol=1e-6)
