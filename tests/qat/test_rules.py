import keras
import pytest
from keras import layers

import tflq
from tflq._errors import UserError
from tflq.keras_side import read_graph
from tflq.qat._rules import Output, rule_of


class Halve(layers.Layer):
    def call(self, x):
        return x / 2


class Quarter(Halve):
    pass


class Theirs(layers.Layer):
    def call(self, x):
        return x


def _rule(layer, shape=(4, 4, 2)):
    given = keras.Input(shape)
    graph = read_graph(keras.Model(given, layer(given)))
    return rule_of(graph.nodes[0].layer)


@pytest.mark.parametrize(
    ("layer", "output"),
    [
        (layers.Conv2D(2, 1), Output.OWN),
        (layers.LayerNormalization(), Output.OWN),
        (layers.MaxPooling2D(), Output.SHARED),
        (layers.GlobalMaxPooling2D(), Output.SHARED),
        (layers.ZeroPadding2D(), Output.SHARED),
        (layers.Flatten(), Output.SHARED),
        (layers.UpSampling2D(), Output.SHARED),
        (layers.UpSampling2D(interpolation="bilinear"), Output.ROUNDED),
        (layers.Resizing(8, 8), Output.ROUNDED),
        (layers.AveragePooling2D(2), Output.ROUNDED),
        (layers.GlobalAveragePooling2D(), Output.OWN),
        (layers.Dropout(0.5), Output.PASSED),
        (layers.GaussianNoise(0.5), Output.PASSED),
        (layers.RandomFlip(), Output.PASSED),
        (layers.Activation("linear"), Output.PASSED),
        (layers.Activation("gelu"), Output.OWN),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_where_ranges_come_from(layer, output):
    assert _rule(layer).output is output


@pytest.mark.parametrize(
    ("layer", "fixed"),
    [
        (layers.Softmax(), (0, 255 / 256)),
        (layers.Activation("softmax"), (0, 255 / 256)),
        (layers.Activation("sigmoid"), (0, 255 / 256)),
        (layers.Activation("tanh"), (-1, 127 / 128)),
        (layers.Activation("log_softmax"), (-255 / 16, 0)),
    ],
    ids=["softmax", "activation softmax", "sigmoid", "tanh", "log softmax"],
)
def test_ranges_that_kernels_prescribe(layer, fixed):
    rule = _rule(layer)
    assert rule.output is Output.FIXED and rule.fixed == fixed


def test_operations_have_the_rules_of_layers():
    given = keras.Input((4, 4, 2))
    y = keras.ops.transpose(given, (0, 2, 1, 3))
    y = keras.ops.sigmoid(keras.ops.add(y, given))
    graph = read_graph(keras.Model(given, y))
    kinds = {node.layer.kind: rule_of(node.layer).output for node in graph.nodes}
    assert kinds == {"Transpose": Output.SHARED, "Add": Output.OWN, "Sigmoid": Output.FIXED}


def test_unknown_layers_have_none_until_they_are_registered():
    assert _rule(Halve()) is None
    assert tflq.register_layer(Halve, output="rounded") is Halve
    assert _rule(Halve()).output is Output.ROUNDED
    assert _rule(Quarter()).output is Output.ROUNDED, "a subclass has its parent's rule"
    tflq.register_layer(Quarter, output="own", weights={"kernel": 0, "table": None})
    assert _rule(Quarter()).output is Output.OWN
    assert _rule(Quarter()).weights == {"kernel": 0, "table": None}


@pytest.mark.parametrize(
    ("cls", "output", "words"),
    [
        (Theirs, "elsewhere", "own, shared, rounded, passed"),
        (Theirs, "fixed", "unknown"),
        (Theirs(), "own", "no layer class"),
        (dict, "own", "no layer class"),
        ("Theirs", "own", "no layer class"),
    ],
)
def test_refusals(cls, output, words):
    with pytest.raises(UserError, match=words):
        tflq.register_layer(cls, output=output)
