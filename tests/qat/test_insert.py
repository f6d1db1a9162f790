"""Schemes of single layers, in the model and in the file."""

import fnmatch

import keras
import numpy as np
import pytest
from keras import layers
from small_networks import LAYERS, noise, shake
from training import agreement, export, fit, kernels, quantizers

import tflq
from tflq.tflite_side import Graph


@pytest.fixture
def chain():
    """Five convolutions in a row, called one to five."""
    keras.utils.set_random_seed(0)
    x = given = keras.Input((8, 8, 3), name="given")
    for name in ("one", "two", "three", "four", "five"):
        x = layers.Conv2D(4, 3, padding="same", activation="relu", name=name)(x)
    return shake(keras.Model(given, x, name="chain"))


def _exported(model, folder, **options):
    data = noise(8, 8, 3)
    qat = tflq.quantize(model, **options)
    fit(qat, data)
    report, content = export(qat, folder)
    for _, close in agreement(qat, content, data):
        assert close >= 0.98
    return report, Graph.from_bytes(content, name="file"), qat


def _weights(graph):
    """(dtype, number of scales) of every convolution's weights, in running order."""
    found = []
    for op in graph.ops:
        if op.kind in ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D"):
            tensor = graph.tensors[op.inputs[1]]
            scales = 0 if tensor.quantization is None else len(tensor.quantization.scale)
            found.append((tensor.dtype, scales))
    return found


def _own(kernel):
    """The name of the user's layer; the model's output has it in the quantized model."""
    return kernel.name.removesuffix("_layer")


def _activations(graph):
    return {graph.tensors[op.outputs[0]].dtype for op in graph.ops if op.kind == "CONV_2D"}


@pytest.mark.parametrize(
    ("scheme", "middle", "edge", "activations"),
    [
        ("w8a8", ("int8", 4), ("int8", 4), "int8"),
        ("w8a8-per-tensor", ("int8", 1), ("int8", 1), "int8"),
        ("w4a8", ("int4", 4), ("int8", 4), "int8"),
        ("w4a8-per-tensor", ("int4", 1), ("int8", 1), "int8"),
        ("w8a16", ("int8", 4), ("int8", 4), "int16"),
    ],
)
def test_schemes(chain, scheme, middle, edge, activations, tmp_path):
    report, graph, _ = _exported(chain, tmp_path, scheme=scheme)
    assert report.recipe.scheme.name == scheme
    assert _weights(graph) == [edge, middle, middle, middle, edge]
    assert _activations(graph) == {activations}


@pytest.mark.parametrize("skip", [["two", "three"], ("t[wh]*",), "t*"])
def test_skipped_layers_are_float_in_the_file(chain, skip, tmp_path):
    report, graph, qat = _exported(chain, tmp_path, skip=skip)
    kinds = [dtype for dtype, _ in _weights(graph)]
    assert kinds == ["int8", "float32", "float32", "int8", "int8"]
    assert len(report.facts.float_ops) == 2
    assert {"two", "three"}.isdisjoint(k.name for k in kernels(qat) if k.quantizer is not None)
    # Nothing is quantized between two layers that stay float.
    assert not [q for q in quantizers(qat) if q.name.startswith("two")]


def test_a_skipped_layers_weights_train_unrounded(chain, tmp_path):
    _, graph, qat = _exported(chain, tmp_path, skip="three")
    held = next(
        graph.constant(op.inputs[1])
        for op in graph.ops
        if op.kind == "CONV_2D" and graph.tensors[op.inputs[1]].dtype == "float32"
    )
    trained = next(np.asarray(v) for v in qat.variables if v.path.startswith("three/kernel"))
    np.testing.assert_allclose(np.moveaxis(held, 0, -1), trained, atol=1e-7)


def test_schemes_of_single_layers(chain, tmp_path):
    _, graph, _ = _exported(
        chain, tmp_path, scheme_for={"t*": "w4a8", "three": "w8a8-per-tensor", "five": "float32"}
    )
    assert _weights(graph) == [
        ("int8", 4),
        ("int4", 4),
        ("int8", 1),
        ("int8", 4),
        ("float32", 0),
    ]


def test_few_bits_where_no_kernel_takes_fewer(tmp_path):
    def body(x):
        x = layers.Conv2D(4, 3, name="a")(x)
        x = layers.Conv2DTranspose(4, 3, name="b")(x)
        return layers.Conv2D(4, 3, name="c")(layers.Conv2D(4, 3, name="d")(x))

    given = keras.Input((8, 8, 3))
    qat = tflq.quantize(keras.Model(given, body(given)), scheme="w4a8")
    bits = {_own(k): k.quantizer.bits for k in kernels(qat)}
    assert bits == {"a": 8, "b": 8, "d": 4, "c": 8}


def test_a_skipped_softmax_stays_float(tmp_path):
    given = keras.Input((7,), name="given")
    x = layers.Dense(3, name="logits")(layers.Dense(5, activation="relu")(given))
    model = keras.Model(given, layers.Softmax(name="probabilities")(x))
    data = noise(7)
    qat = tflq.quantize(model, skip="probabilities")
    fit(qat, data)
    report, content = export(qat, tmp_path)
    assert [op.split(" ")[0] for op in report.facts.float_ops] == ["SOFTMAX"]
    for _, close in agreement(qat, content, data):
        assert close >= 0.98


def test_a_skipped_layer_with_a_normalization_keeps_it(tmp_path):
    model = LAYERS["nested"]()
    data = noise(8, 8, 3)
    qat = tflq.quantize(model, skip="conv", data=data, calibrator="minmax")
    fit(qat, data)
    _, content = export(qat, tmp_path)
    graph = Graph.from_bytes(content, name="file")
    assert [dtype for dtype, _ in _weights(graph)] == ["float32", "int8"]
    for _, close in agreement(qat, content, data):
        assert close >= 0.98


def test_patterns_match_as_shells_do(chain):
    names = [layer.name for layer in chain.layers[1:]]
    wanted = set(fnmatch.filter(names, "*o*"))
    qat = tflq.quantize(chain, scheme_for={"*o*": "float32"})
    quantized = {_own(k) for k in kernels(qat) if k.quantizer is not None}
    assert quantized == set(names) - wanted and wanted


def test_the_loss_of_probabilities_is_not_rounded():
    given = keras.Input((7,))
    model = keras.Model(given, layers.Dense(3, activation="softmax", name="kind")(given))
    (fixed,) = [q for q in quantizers(tflq.quantize(model)) if q.fixed is not None]
    assert not fixed.in_training
