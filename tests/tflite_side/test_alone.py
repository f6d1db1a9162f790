"""One layer quantized at a time."""

import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq import UserError
from tflq.affine import Mode, parameters
from tflq.scheme import get_scheme
from tflq.tflite_side import (
    Alone,
    Graph,
    Noise,
    Plan,
    Runner,
    assign,
    choose_bounds,
    normalize,
    quantized_layers,
    return_order,
    weight_bits,
    with_constants,
)
from tflq.tflite_side._plan import round_weights
from tflq.tflite_side._rest import live_tensors, rest
from tflq.tflite_side._weights import weighted_ops, weights_of


def branched(x):
    """Two weighted layers and a sum, of which the second reads the input again."""
    first = tf.nn.relu(tf.nn.conv2d(x, builders.weights(3, 3, 4, 4), 1, "SAME"))
    second = tf.nn.depthwise_conv2d(first, builders.weights(3, 3, 4, 1), [1, 1, 1, 1], "SAME")
    return tf.nn.max_pool2d(second + x, 2, 2, "VALID")


@pytest.fixture(scope="module")
def plain():
    return normalize(builders.tflite(branched, (1, 6, 6, 4)), name="the test's file")


@pytest.fixture(scope="module")
def samples():
    return [[value] for value in builders.weights(3, 1, 6, 6, 4, seed=1)]


@pytest.fixture(scope="module")
def plan(plain):
    graph = plain.graph
    assignment = assign(graph, get_scheme("w4a8"), {})
    doors = {
        index: parameters(-9.0, 9.0, bits=8, mode=Mode.ASYMMETRIC)
        for index in (*graph.inputs, *(t for op in graph.ops for t in op.outputs))
    }
    bounds = choose_bounds(graph, assignment=assignment, method="minmax", trained={})
    return Plan(doors=doors, bounds=bounds, bits=weight_bits(graph, assignment))


def run(content, samples):
    runner = Runner(content)
    name = runner.inputs[0].name
    return [runner.run({name: sample[0]}) for sample in samples]


def test_layers_are_the_inputs_and_all_that_computes(plain, plan):
    layers = quantized_layers(plain.graph, plan)
    assert [layer.kind for layer in layers] == ["INPUT", "CONV_2D", "DEPTHWISE_CONV_2D", "ADD"]
    assert [layer.weighted for layer in layers] == [False, True, True, False]


def test_weights_alone_give_what_a_file_with_them_gives(plain, plan, samples):
    graph = plain.graph
    found = Alone(graph, plan, samples, {}).run(quantized_layers(graph, plan))
    weights = {layer.op: came for layer, _, came in found if came is not None}
    for op in weighted_ops(graph):
        index = weights_of(graph, op)
        decided = {index: round_weights(graph, op, plan)}
        expected = run(with_constants(plain.content, decided), samples)
        np.testing.assert_array_equal(weights[op.index], expected)


def test_decided_weights_are_taken_as_they_are(plain, plan, samples):
    graph = plain.graph
    op = weighted_ops(graph)[0]
    decided = {weights_of(graph, op): np.zeros(graph.tensors[weights_of(graph, op)].shape, "f4")}
    layers = [layer for layer in quantized_layers(graph, plan) if layer.op == op.index]
    ((_, _, came),) = Alone(graph, plan, samples, decided).run(layers)
    np.testing.assert_array_equal(came, run(with_constants(plain.content, decided), samples))


def test_quantized_inputs_give_what_the_file_makes_of_them(plain, plan, samples):
    graph = plain.graph
    door = plan.doors[graph.inputs[0]]
    alone = Alone(graph, plan, samples, {})
    ((_, came, weights),) = alone.run(quantized_layers(graph, plan)[:1])
    quantized = [[door.dequantize(door.quantize(sample[0]))] for sample in samples]
    np.testing.assert_array_equal(came, run(plain.content, quantized))
    assert weights is None


def test_the_reference_is_the_float_file(plain, plan, samples):
    expected = run(plain.content, samples)
    np.testing.assert_array_equal(Alone(plain.graph, plan, samples, {}).reference(), expected)


def test_inputs_may_be_read_in_another_order_or_not_at_all():
    def crossed(first, second, third):
        return tf.tanh(second @ builders.weights(4, 4)) - first @ builders.weights(4, 4, seed=1)

    content = builders.tflite(crossed, (1, 4), (1, 4), (1, 4))
    plain = normalize(content, name="the test's file")
    graph, door = plain.graph, parameters(-4.0, 4.0, bits=8, mode=Mode.ASYMMETRIC)
    made = [t for op in graph.ops for t in op.outputs]
    plan = Plan(doors=dict.fromkeys((*graph.inputs, *made), door), bounds={}, bits={})
    samples = [list(builders.weights(3, 1, 4, seed=seed)) for seed in range(2)]
    alone = Alone(graph, plan, samples, {})
    names = [spec.name for spec in Runner(content).inputs]
    wanted = [Runner(content).run(dict(zip(names, sample, strict=True))) for sample in samples]
    np.testing.assert_array_equal(alone.reference(), wanted)
    for layer, came, _ in alone.run(quantized_layers(graph, plan)):
        # Codes are 8 / 255 apart, and what is quantized is multiplied by a few weights.
        assert np.abs(np.array(came) - wanted).max() < 0.2, layer
        unused = layer.tensors[0] == graph.inputs[2]
        assert np.array_equal(came, wanted) == unused


def test_one_layer_measured_alone_is_what_it_is_among_others(plain, plan, samples):
    layers = quantized_layers(plain.graph, plan)
    together = list(Alone(plain.graph, plan, samples, {}).run(layers))
    for place, layer in enumerate(layers):
        ((_, came, _),) = Alone(plain.graph, plan, samples, {}).run([layer])
        np.testing.assert_array_equal(came, together[place][1])


@pytest.mark.parametrize("first", range(4))
def test_the_rest_goes_on_from_what_is_live(plain, samples, first):
    graph = plain.graph
    kept = Runner(plain.content, keep_all=True)
    kept.run({kept.inputs[0].name: samples[0][0]})
    given = [kept.view(index)().copy() for index in live_tensors(graph, first)]
    content = rest(graph, first)
    runner = Runner(content)
    feed = {spec.name: value for spec, value in zip(runner.inputs, given, strict=True)}
    np.testing.assert_array_equal(runner.run(feed), run(plain.content, samples[:1])[0])
    assert len(Graph.from_bytes(content).ops) == len(graph.ops) - first


def test_a_graph_with_a_state_is_refused():
    class Counter(tf.Module):
        def __init__(self):
            self.count = tf.Variable(tf.zeros((1, 4)))

        @tf.function(input_signature=[tf.TensorSpec((1, 4))])
        def __call__(self, x):
            return self.count.assign_add(x)

    module = Counter()
    concrete = module.__call__.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    converter.experimental_enable_resource_variables = True
    graph = Graph.from_bytes(converter.convert())
    with pytest.raises(UserError, match=r"keeps state .*quantize its layers without ranking"):
        Alone(graph, Plan(doors={}, bounds={}, bits={}), [], {})


def order(plain, plan, *, float_outputs=False, **noises):
    layers = quantized_layers(plain.graph, plan)
    by_kind = {layer.kind: layer.op for layer in layers if layer.op >= 0}
    found = {op: Noise(weights=0.0, activation=0.0) for op in by_kind.values()}
    found |= {by_kind[kind]: noise for kind, noise in noises.items()}
    return [
        layer.kind
        for layer in return_order(plain.graph, layers, found, float_outputs=float_outputs)
    ]


def test_noisy_weights_are_returned_first(plain, plan):
    found = order(
        plain,
        plan,
        CONV_2D=Noise(weights=1.0, activation=0.0),
        DEPTHWISE_CONV_2D=Noise(weights=2.0, activation=0.0),
    )
    assert found[:2] == ["DEPTHWISE_CONV_2D", "CONV_2D"]
    assert found[-1] == "INPUT"


def test_a_noisy_activation_is_returned_with_what_reads_it(plain, plan):
    found = order(
        plain,
        plan,
        CONV_2D=Noise(weights=0.0, activation=6.0),
        ADD=Noise(weights=2.0, activation=0.0),
    )
    # Together 3 a layer, where the sum alone frees 2.
    assert set(found[:2]) == {"CONV_2D", "DEPTHWISE_CONV_2D"}


def test_outputs_are_freed_only_where_they_are_float():
    plain = normalize(
        builders.tflite(lambda x: tf.nn.softmax(x @ builders.weights(4, 4)), (1, 4)), name="file"
    )
    doors = {
        index: parameters(-9.0, 9.0, bits=8, mode=Mode.ASYMMETRIC)
        for index in (*plain.graph.inputs, *(t for op in plain.graph.ops for t in op.outputs))
    }
    plan = Plan(doors=doors, bounds={}, bits={})
    noises = {
        "FULLY_CONNECTED": Noise(weights=0.0, activation=1.0),
        "SOFTMAX": Noise(weights=0.0, activation=3.0),
    }
    assert order(plain, plan, float_outputs=True, **noises)[0] == "SOFTMAX"
    # Else what the last layer makes stays as it is: the first frees what it can, with its reader.
    assert order(plain, plan, **noises)[0] == "FULLY_CONNECTED"
