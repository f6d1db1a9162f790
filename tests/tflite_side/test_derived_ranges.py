import builders
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq.tflite_side import Graph, derive_ranges

C = np.float32([[-1.0, 0.5, 2.0]])


def _graph(function, *shapes):
    return Graph.from_bytes(builders.tflite(function, *shapes), name="net")


def _derived(function, *known, shape=(4, 3)):
    """Ranges of the outputs of every op, in running order, by kind; inputs have `known`."""
    graph = _graph(function, *[shape] * len(known))
    ranges = derive_ranges(graph, dict(zip(graph.inputs, known, strict=True)))
    return [(op.kind, ranges.get(op.outputs[0])) for op in graph.ops]


@pytest.mark.parametrize(
    ("function", "known", "want"),
    [
        (lambda x: x + C, [(-1.0, 3.0)], (-2.0, 5.0)),
        (lambda x: C - x, [(-1.0, 3.0)], (-4.0, 3.0)),
        (lambda x: x - C, [(-1.0, 3.0)], (-3.0, 4.0)),
        (lambda x: x * C, [(-1.0, 3.0)], (-3.0, 6.0)),
        (lambda x: tf.nn.relu(x), [(-1.0, 3.0)], (0.0, 3.0)),
        (lambda x: tf.nn.relu6(x), [(-1.0, 9.0)], (0.0, 6.0)),
        (lambda x, y: x + y, [(-1.0, 3.0), (0.0, 2.0)], (-1.0, 5.0)),
        (lambda x, y: x - y, [(-1.0, 3.0), (0.0, 2.0)], (-3.0, 3.0)),
        (lambda x: tf.nn.relu(x + C), [(-1.0, 3.0)], (0.0, 5.0)),
        (lambda x: tf.reshape(x, (3, 4)), [(-1.0, 3.0)], (-1.0, 3.0)),
        (lambda x: tf.nn.tanh(x) + C, [(-1.0, 3.0)], (-2.0, 127 / 128 + 2)),
    ],
)
def test_forwards(function, known, want):
    assert _derived(function, *known)[-1][1] == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize(
    "function", [lambda x, y: x * y, lambda x: tf.exp(x), lambda x: tf.reduce_mean(x, 0)]
)
def test_what_does_not_follow_is_left_out(function):
    known = [(-1.0, 1.0)] * function.__code__.co_argcount
    assert _derived(function, *known)[-1][1] is None


def test_what_only_a_clamp_reads_has_the_clamps_range():
    graph = _graph(lambda x: tf.nn.relu(tf.exp(x)) * C, (4, 3))
    (exp, relu) = (next(o for o in graph.ops if o.kind == k) for k in ("EXP", "RELU"))
    ranges = derive_ranges(graph, {relu.outputs[0]: (0.0, 1.5)})
    assert ranges[exp.outputs[0]] == (0.0, 1.5)


def test_what_others_read_as_well_has_not():
    def net(x):
        y = tf.exp(x)
        return tf.nn.relu(y), y

    graph = _graph(net, (4, 3))
    (exp, relu) = (next(o for o in graph.ops if o.kind == k) for k in ("EXP", "RELU"))
    assert exp.outputs[0] not in derive_ranges(graph, {relu.outputs[0]: (0.0, 1.5)})


def test_known_ranges_are_kept():
    graph = _graph(lambda x: x + C, (4, 3))
    known = {graph.inputs[0]: (-1.0, 3.0), graph.outputs[0]: (-0.5, 0.5)}
    assert derive_ranges(graph, known) == known


def test_groups_share_the_widest_of_what_is_known():
    graph = _graph(lambda x, y: tf.concat([x, y], 0), (4, 3), (4, 3))
    ranges = derive_ranges(graph, {graph.inputs[0]: (-1.0, 2.0), graph.inputs[1]: (-64.0, 1.0)})
    assert set(ranges.values()) == {(-64.0, 2.0)}


def test_chains_are_followed_through():
    found = _derived(lambda x: tf.nn.relu(2.0 * x + C) * 0.25, (-1.0, 1.0))
    assert all(known is not None for _, known in found)
    assert found[-1][1] == pytest.approx((0, 1))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    low=st.floats(-8, 0, width=32),
    high=st.floats(0.125, 8, width=32),
    kind=st.sampled_from(["add", "subtract", "multiply"]),
    relu=st.booleans(),
)
def test_nothing_that_can_be_computed_lies_outside(low, high, kind, relu):
    def net(x):
        y = getattr(tf, kind)(x, C)
        return tf.nn.relu(y) if relu else y

    made_low, made_high = _derived(net, (low, high))[-1][1]
    x = np.linspace(low, high, 12, dtype=np.float32).reshape(4, 3)
    y = net(x).numpy()
    assert made_low - 1e-5 <= y.min() and y.max() <= made_high + 1e-5
