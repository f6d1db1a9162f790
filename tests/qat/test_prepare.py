import keras
import numpy as np
import pytest
import small_networks
from keras import layers
from training import outputs

from tflq.keras_side import build_model, read_graph
from tflq.qat._depthwise import add_depthwise_convolutions
from tflq.qat._parts import Namer
from tflq.qat._prepare import prepare


def _prepared(model, *, depthwise=True):
    graph = read_graph(model)
    prepare(graph)
    if depthwise:
        add_depthwise_convolutions(graph)
    return graph, build_model(graph)


def _kinds(graph):
    return [node.layer.kind for node in graph.nodes]


REWRITTEN = [
    name
    for name in small_networks.LAYERS
    if any(
        part in name
        for part in (
            "Separable",
            "Attention",
            "BatchNorm",
            "BN",
            "orm",
            "conv with",
            "Average",
            "Rescaling",
        )
    )
]


@pytest.mark.parametrize(
    "name", [*REWRITTEN, "integer activations", "squeeze and excite", "several", "sequential"]
)
def test_the_graph_computes_what_it_did(name):
    model = small_networks.LAYERS[name]()
    data = small_networks.data_for(model)
    graph, made = _prepared(model)
    assert len(graph.nodes) >= len(read_graph(model).nodes)
    for one, other in zip(outputs(model, data), outputs(made, data), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("SeparableConv2D", ["Conv2D", "DepthwiseConv2D", "Conv2D"]),
        ("conv with silu", ["Conv2D", "Conv2D", "Activation", "Multiply"]),
        ("conv with tanh", ["Conv2D", "Conv2D", "Activation"]),
        ("BatchNormalization first", ["DepthwiseConv2D", "BatchNormalization", "Conv2D"]),
        ("BatchNormalization", ["Conv2D", "BatchNormalization"]),
        (
            "BatchNormalization of vectors",
            ["Reshape", "DepthwiseConv1D", "BatchNormalization", "Reshape", "Dense"],
        ),
        ("BatchNormalization of sequences", ["DepthwiseConv1D", "BatchNormalization", "Dense"]),
        (
            "conv with relu, then norm",
            ["Conv2D", "Conv2D", "DepthwiseConv2D", "BatchNormalization"],
        ),
        ("BN after Add", ["Conv2D", "Conv2D", "Add", "DepthwiseConv2D", "BatchNormalization"]),
        ("Average", ["Conv2D", "Conv2D", "Add", "DepthwiseConv2D", "Conv2D"]),
        ("Rescaling", ["DepthwiseConv2D", "Conv2D"]),
        ("Normalization", ["Reshape", "DepthwiseConv1D", "Reshape", "Dense"]),
    ],
)
def test_the_parts(name, kinds):
    graph, _ = _prepared(small_networks.LAYERS[name]())
    assert _kinds(graph)[: len(kinds)] == kinds


def test_what_kernels_fuse_stays():
    given = keras.Input((6, 6, 2))
    graph, _ = _prepared(keras.Model(given, layers.Conv2D(2, 3, activation="relu")(given)))
    assert _kinds(graph) == ["Conv2D"]


def test_activations_get_names_that_no_layer_has():
    given = keras.Input((6,))
    x = layers.Dense(3, activation="tanh", name="a")(given)
    x = layers.Dense(3, name="a_activation")(x)
    graph, _ = _prepared(keras.Model(given, x))
    names = [node.layer.name for node in graph.nodes]
    assert len(set(names)) == len(names) == 3


def test_activations_of_shared_layers():
    given = keras.Input((6,))
    dense = layers.Dense(6, activation="gelu")
    model = keras.Model(given, dense(dense(given)))
    graph, made = _prepared(model)
    assert _kinds(graph) == ["Dense", "Activation", "Dense", "Activation"]
    x = small_networks.noise(6)
    np.testing.assert_allclose(outputs(made, x)[0], outputs(model, x)[0], atol=1e-6)


@pytest.mark.parametrize("axis", [1, 2])
def test_normalizations_of_other_axes_stay_alone(axis):
    given = keras.Input((4, 5, 3))
    graph, _ = _prepared(keras.Model(given, layers.BatchNormalization(axis=axis)(given)))
    assert _kinds(graph) == ["BatchNormalization"]


def test_a_namer_counts():
    given = keras.Input((3,), name="x")
    names = Namer(read_graph(keras.Model(given, layers.Dense(2, name="y")(given))))
    assert [names("x"), names("y"), names("z"), names("y")] == ["x_1", "y_1", "z", "y_2"]
