import keras
import numpy as np
import pytest
from keras import layers
from small_networks import noise

import tflq
from tflq.keras_side import build_model, read_graph
from tflq.qat._depthwise import add_depthwise_convolutions


def _rewritten(model):
    graph = read_graph(model)
    add_depthwise_convolutions(graph)
    return [node.layer.kind for node in graph.nodes], build_model(graph)


def _model(shape, *parts, dtype="float32"):
    x = given = keras.Input(shape, dtype=dtype)
    for part in parts:
        x = part(x)
    return keras.Model(given, x)


def _adapted(layer):
    layer.adapt(noise(6, 6, 3) * np.float32([1, 4, 9]) + np.float32([5, -2, 0]))
    return layer


SCALING = {
    "one factor": lambda: layers.Rescaling(1 / 255),
    "a factor a channel": lambda: layers.Rescaling([0.5, 2.0, 3.0], offset=[-1.0, 0.0, 1.0]),
    "a shift a channel": lambda: layers.Rescaling(0.5, offset=[-1.0, 0.0, 1.0]),
    "given": lambda: layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 4.0, 9.0]),
    "given once": lambda: layers.Normalization(mean=0.1, variance=2.0),
    "inverse": lambda: layers.Normalization(mean=0.1, variance=2.0, invert=True),
    "adapted": lambda: _adapted(layers.Normalization()),
    "of one variance": lambda: _adapted(layers.Normalization(axis=None)),
    "of no variance": lambda: layers.Normalization(mean=0.5, variance=0.0),
}


@pytest.mark.parametrize("name", SCALING)
def test_what_scales_channels(name):
    model = _model((6, 6, 3), SCALING[name]())
    kinds, made = _rewritten(model)
    assert kinds == ["DepthwiseConv2D"]
    x = noise(6, 6, 3)
    expected = model.predict(x, verbose=0)
    tolerance = 1e-6 * np.abs(expected).max()
    np.testing.assert_allclose(made.predict(x, verbose=0), expected, atol=tolerance, rtol=1e-5)
    assert not made.trainable_weights


@pytest.mark.parametrize(
    ("shape", "kinds"),
    [((4,), ["Reshape", "DepthwiseConv1D", "Reshape"]), ((5, 4), ["DepthwiseConv1D"])],
)
def test_ranks(shape, kinds):
    model = _model(shape, layers.Rescaling([1.0, 2.0, 3.0, 4.0], offset=0.5))
    found, made = _rewritten(model)
    assert found == kinds
    x = noise(*shape)
    np.testing.assert_allclose(made.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        _model((6, 6, 3), layers.Normalization(axis=(1, 2, 3), mean=0.0, variance=2.0)),
        _model((3, 3), layers.Rescaling(np.ones((3, 3)).tolist())),
        _model((6, 6, 6, 3), layers.Rescaling(0.5)),
        _model((6, 6, 3), layers.Rescaling(0.5), dtype="uint8"),
    ],
    ids=["a mean a pixel", "a factor a place", "volumes", "integers"],
)
def test_what_no_such_convolution_computes(model):
    kinds, _ = _rewritten(model)
    assert kinds == [layer.__class__.__name__ for layer in model.layers[1:]]


def test_a_layer_called_with_several_widths():
    layer = layers.Rescaling(0.5)
    given = keras.Input((6, 6, 3))
    wide = layer(layers.Concatenate()([given, given]))
    kinds, _ = _rewritten(keras.Model(given, [layer(given), wide]))
    assert kinds.count("Rescaling") == 2


def test_it_keeps_its_name_and_can_be_skipped(tmp_path):
    model = _model((6, 6, 3), layers.Rescaling(0.5, name="pre"), layers.Conv2D(2, 3))
    assert tflq.quantize(model).get_layer("pre").quantizer.bits == 8
    qat = tflq.quantize(model, skip=["pre"], data=noise(6, 6, 3))
    report = tflq.export(qat, tmp_path / "a.tflite")
    assert [op.split(" ")[0] for op in report.facts.float_ops] == ["DEPTHWISE_CONV_2D"]


@pytest.mark.parametrize("cls", [layers.Rescaling, layers.BatchNormalization])
def test_a_layer_that_two_vectors_share(cls):
    layer = cls(0.5) if cls is layers.Rescaling else cls()
    given = keras.Input((4,))
    model = keras.Model(given, [layer(given), layer(layers.ReLU()(given))])
    kinds, made = _rewritten(model)
    assert kinds.count("DepthwiseConv1D") == 2
    x = noise(4)
    for one, other in zip(model.predict(x, verbose=0), made.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
