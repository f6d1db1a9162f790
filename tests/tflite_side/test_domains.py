"""Files whose ops compute in several domains."""

import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq._fidelity import sqnr_db
from tflq.tflite_side import Graph, Runner

W = builders.weights
SHAPE = (1, 8, 8, 4)
DATA = [{"x0": W(*SHAPE, seed=s)} for s in range(6)]


def _held(*shape, seed=0):
    """Weights that 8 bits hold without an error, so that only activations count."""
    codes = np.round(W(*shape, seed=seed) * 30).clip(-127, 127)
    codes[0] = 127
    return codes / np.float32(256)


def _network(x):
    x = tf.nn.relu6(tf.nn.conv2d(x, _held(3, 3, 4, 6), 1, "SAME"))
    y = tf.nn.depthwise_conv2d(x, _held(3, 3, 6, 1, seed=1), (1, 1, 1, 1), "SAME")
    x = tf.nn.relu(x + tf.nn.bias_add(y, W(6, seed=2)))
    x = tf.concat([x, tf.nn.max_pool2d(x, 3, 1, "SAME")], -1)
    return tf.matmul(tf.reduce_mean(x, (1, 2)), _held(12, 5, seed=3))


CONTENT = builders.tflite(_network, SHAPE)


def _made_by(kind):
    graph = Graph.from_bytes(CONTENT)
    return {graph.tensors[op.outputs[0]].name for op in graph.ops if op.kind == kind}


def _sqnr(content):
    pairs = [(Runner(CONTENT).run(s)[0], Runner(content).run(s)[0]) for s in DATA]
    signal = sum(float(np.sum(a**2)) for a, _ in pairs)
    return sqnr_db(signal, sum(float(np.sum((a - b) ** 2)) for a, b in pairs))


def _dtypes(content):
    graph = Graph.from_bytes(content)
    return {
        op.kind: graph.tensors[op.outputs[0]].dtype
        for op in graph.ops
        if op.kind not in ("QUANTIZE", "DEQUANTIZE")
    }


@pytest.fixture(scope="module")
def int8():
    return _sqnr(builders.quantize_file(CONTENT, DATA)[0].content)


def test_w8a16_is_int16_throughout_and_closer(int8):
    quantized, _, _ = builders.quantize_file(CONTENT, DATA, scheme="w8a16")
    graph = Graph.from_bytes(quantized.content)
    assert set(_dtypes(quantized.content).values()) == {"int16"}
    assert [graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)] == ["int16", "int16"]
    assert not any(op.kind == "QUANTIZE" for op in graph.ops)
    assert _sqnr(quantized.content) > int8 + 25
    assert quantized.deviations == ()


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "FULLY_CONNECTED"])
@pytest.mark.parametrize(("scheme", "dtype"), [("w8a16", "int16"), ("float32", "float32")])
def test_one_op_may_have_a_scheme_of_its_own(kind, scheme, dtype, int8):
    schemes = dict.fromkeys(_made_by(kind), scheme)
    quantized, _, _ = builders.quantize_file(CONTENT, DATA, schemes=schemes)
    dtypes = _dtypes(quantized.content)
    assert dtypes.pop(kind) == dtype
    assert set(dtypes.values()) == {"int8"}
    assert _sqnr(quantized.content) > int8 - 1
    assert quantized.deviations == ()


def test_neighbours_of_one_domain_are_not_converted_between():
    names = _made_by("ADD") | _made_by("DEPTHWISE_CONV_2D")
    quantized, _, _ = builders.quantize_file(CONTENT, DATA, schemes=dict.fromkeys(names, "w8a16"))
    graph = Graph.from_bytes(quantized.content)
    # In once, for both that read it, and out once.
    assert sum(op.kind == "QUANTIZE" for op in graph.ops) == 2


@pytest.mark.parametrize("io", ["int16", "float32"])
def test_doors_of_int16_files(io):
    quantized, _, _ = builders.quantize_file(CONTENT, DATA, scheme="w8a16", io=io)
    graph = Graph.from_bytes(quantized.content)
    assert [graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)] == [io, io]
    assert _sqnr(quantized.content) > 60


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_doors_of_mixed_files(io, int8):
    schemes = dict.fromkeys(_made_by("CONV_2D") | _made_by("FULLY_CONNECTED"), "w8a16")
    quantized, _, _ = builders.quantize_file(CONTENT, DATA, schemes=schemes, io=io)
    graph = Graph.from_bytes(quantized.content)
    assert [graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)] == [io, io]
    assert _sqnr(quantized.content) > int8 - 1


def test_what_is_all_in_float32_is_the_float_function():
    graph = Graph.from_bytes(CONTENT)
    names = {graph.tensors[op.outputs[0]].name for op in graph.ops} - _made_by("FULLY_CONNECTED")
    schemes = dict.fromkeys(names, "float32")
    quantized, _, _ = builders.quantize_file(CONTENT, DATA, schemes=schemes, io="float32")
    for sample in DATA:
        expected, found = (_mean(content, sample) for content in (CONTENT, quantized.content))
        np.testing.assert_allclose(found, expected, atol=1e-5)


def _mean(content, sample):
    (index,) = [op.outputs[0] for op in Graph.from_bytes(content).ops if op.kind == "MEAN"]
    runner = Runner(content, keep_all=True)
    runner.run(sample)
    return runner.view(index)().copy()


def test_w4a8_stores_int4():
    def deep(x):
        for seed in range(3):
            x = tf.nn.relu(tf.nn.conv2d(x, W(3, 3, 4, 4, seed=seed), 1, "SAME"))
        return x

    quantized, _, _ = builders.quantize_file(builders.tflite(deep, SHAPE), DATA, scheme="w4a8")
    graph = Graph.from_bytes(quantized.content)
    stored = [graph.tensors[op.inputs[1]] for op in graph.ops if op.kind == "CONV_2D"]
    assert [t.dtype for t in stored] == ["int8", "int4", "int8"]
    raw = graph.model.subgraphs[0].tensors[stored[1].index]
    assert len(graph.model.buffers[raw.buffer].data) == 3 * 3 * 4 * 4 // 2
    assert np.abs(graph.constant(stored[1].index)).max() <= 7
    assert quantized.deviations == ()
