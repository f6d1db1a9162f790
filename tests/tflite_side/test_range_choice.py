import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq.ranges import Histogram
from tflq.tflite_side import activations, choose_ranges, normalize, untrained

SHAPE = (1, 4, 4, 4)


def _graph(function):
    return normalize(builders.tflite(function, SHAPE), name="it").graph


def _histogram(low, high):
    histogram = Histogram()
    histogram.update(np.linspace(low, high, 400, dtype=np.float32).reshape(20, 20))
    return histogram


def _choose(graph, histograms, **choices):
    bits = dict.fromkeys(activations(graph), choices.pop("bits", 8))
    choices = {"calibrator": "minmax", "overrides": {}, "trained": {}, "bits": bits} | choices
    return choose_ranges(graph, histograms, **choices)


def _conv(x, seed=0):
    return tf.nn.relu(tf.nn.conv2d(x, builders.weights(1, 1, 4, 4, seed=seed), 1, "SAME"))


def test_members_of_a_group_get_the_union():
    graph = _graph(lambda x: _conv(tf.concat([_conv(x), _conv(x, 1)], -1)[..., :4]))
    concat = next(op for op in graph.ops if op.kind == "CONCATENATION")
    histograms = {t.index: _histogram(0, 1) for t in graph.tensors if not t.is_constant}
    histograms[concat.inputs[1]] = _histogram(0, 64)
    plan = _choose(graph, histograms)
    for tensor in (*concat.inputs, *concat.outputs):
        assert plan.ranges[tensor] == (0.0, 64.0)
    assert plan.ranges[graph.inputs[0]] == (0.0, 1.0)


def test_outputs_and_logits_are_never_clipped_unless_asked():
    graph = _graph(lambda x: tf.nn.softmax(_conv(_conv(x))))
    logits = graph.ops[-1].inputs[0]
    histograms = {t.index: _histogram(-1, 1) for t in graph.tensors if not t.is_constant}
    plan = _choose(graph, histograms, calibrator="percentile")
    assert plan.origin[logits] == "minmax"
    assert plan.origin[graph.ops[0].outputs[0]] == "percentile"
    assert plan.origin[graph.outputs[0]] == "kernel rule"
    plan = _choose(graph, histograms, overrides={logits: "percentile"})
    assert plan.origin[logits] == "percentile"


def test_what_only_softmax_reads_is_never_clipped_unless_asked():
    graph = _graph(lambda x: _conv(tf.nn.softmax(tf.transpose(_conv(x), (0, 3, 1, 2))) @ x))
    scores = next(op for op in graph.ops if op.kind == "SOFTMAX").inputs[0]
    histograms = {t.index: _histogram(-1, 1) for t in graph.tensors if not t.is_constant}
    plan = _choose(graph, histograms, calibrator="percentile")
    assert plan.origin[scores] == "minmax" and plan.ranges[scores] == (-1.0, 1.0)
    assert plan.origin[graph.ops[0].outputs[0]] == "minmax"
    plan = _choose(graph, histograms, overrides={scores: "percentile"})
    assert plan.origin[scores] == "percentile"


def test_trained_ranges_come_before_calibration():
    graph = _graph(lambda x: tf.nn.max_pool2d(_conv(x), 2, 2, "VALID"))
    relu = graph.ops[0].outputs[0]
    trained = {relu: (0.0, 3.0)}
    plan = _choose(graph, {graph.inputs[0]: _histogram(-1, 1)}, trained=trained)
    assert plan.ranges[graph.outputs[0]] == (0.0, 3.0)
    assert plan.origin[graph.outputs[0]] == "trained"
    assert untrained(graph, trained) == (graph.inputs[0],)


def test_a_pooled_softmax_keeps_softmaxs_scale():
    graph = _graph(lambda x: tf.nn.max_pool2d(tf.nn.softmax(_conv(x)), 2, 2, "VALID"))
    histograms = {t.index: _histogram(0, 1) for t in graph.tensors if not t.is_constant}
    plan = _choose(graph, histograms)
    assert plan.ranges[graph.outputs[0]] == (0.0, 255 / 256)


def test_what_the_runtime_never_made_gets_no_range():
    graph = _graph(_conv)
    plan = _choose(graph, {graph.inputs[0]: _histogram(-1, 1)})
    assert set(plan.ranges) == set(graph.inputs)


@pytest.mark.parametrize("calibrator", ["minmax", "mse"])
def test_every_activation_gets_a_range(calibrator):
    graph = _graph(lambda x: _conv(_conv(x)) + x)
    histograms = {t.index: _histogram(-1, 2) for t in graph.tensors if not t.is_constant}
    plan = _choose(graph, histograms, calibrator=calibrator)
    made = {t for op in graph.ops for t in op.outputs} | set(graph.inputs)
    assert set(plan.ranges) == made
    assert all(low <= 0 <= high for low, high in plan.ranges.values())


def test_moving_averages_of_a_group_are_those_of_its_widest_member():
    graph = _graph(lambda x: _conv(tf.concat([_conv(x), _conv(x, 1)], -1)[..., :4]))
    concat = next(op for op in graph.ops if op.kind == "CONCATENATION")
    histograms = {t.index: _histogram(0, 1) for t in graph.tensors if not t.is_constant}
    histograms[concat.inputs[0]] = _histogram(0, 64)
    plan = _choose(graph, histograms, calibrator="moving_average")
    assert plan.ranges[concat.outputs[0]] == pytest.approx((0.0, 64.0))
