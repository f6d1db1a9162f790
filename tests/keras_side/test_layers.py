import keras
import networks
import numpy as np
import pytest
from keras import layers

from tflq.keras_side import from_keras
from tflq.keras_side._layers import layer_resolver
from tflq.tflite_side import Graph, Names


def _labels(model):
    made = from_keras(model)
    graph = Graph.from_bytes(made.tflite)
    names = Names(graph, {}, made.layer_of)
    return [names.label(t) for op in graph.ops for t in op.outputs]


def test_numbered_layers_are_not_mixed_up():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(2, 1, name="conv2d")(x)
    y = layers.ReLU(name="relu")(y)
    y = layers.Conv2D(2, 1, name="conv2d_1")(y)
    y = layers.MaxPooling2D(name="pool")(y)
    y = layers.Conv2D(2, 1, name="conv2d_1_2")(y)
    y = layers.MaxPooling2D(name="pool_1")(y)
    assert _labels(keras.Model(x, y, name="net"))[:-1] == [
        "relu", "conv2d_1", "pool", "conv2d_1_2",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["small_cnn", "unet", "nested"])
def test_every_op_is_traced_to_a_layer(name):
    model, _ = networks.ODD[name]()
    known = {layer.name for layer in model._flatten_layers()}
    labels = _labels(model)[:-1]
    assert labels and all(set(label.split("/")) <= known for label in labels)


def test_paths_of_no_layer_give_none():
    assert layer_resolver(networks.nested()[0])("Relu") is None
    assert layer_resolver(networks.nested()[0])("inner_conv_1") == "inner_conv"


def test_labels_follow_the_graph():
    model, _ = networks.small_cnn()
    labels = _labels(model)
    assert labels[0] == "stem_relu" and labels[1] == "dw_relu"
    assert np.isin(["residual", "pool", "logits"], labels).all()
