import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq import UserError
from tflq.scheme import get_scheme
from tflq.tflite_side import Graph, Runner, check_io, signature_names
from tflq.tflite_side._facts import read_facts

SHAPE = (1, 8, 8, 4)
DATA = [{"x0": builders.weights(*SHAPE, seed=s)} for s in range(4)]


def _content():
    return builders.tflite(
        lambda x: tf.nn.relu(tf.nn.conv2d(x, builders.weights(3, 3, 4, 6), 1, "SAME")), SHAPE
    )


def _doors(content):
    graph = Graph.from_bytes(content)
    return [graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)]


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_doors_have_the_dtype_and_the_same_values(io):
    quantized, _, _ = builders.quantize_file(_content(), DATA, io=io)
    reference, _, _ = builders.quantize_file(_content(), DATA)
    assert _doors(quantized.content) == [io, io]
    came = Runner(quantized.content).run(DATA[0])[0]
    np.testing.assert_allclose(came, Runner(reference.content).run(DATA[0])[0], atol=1e-5)


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_conversions_at_the_doors_are_not_stray(io):
    quantized, _, _ = builders.quantize_file(_content(), DATA, io=io)
    facts = read_facts(quantized.content)
    assert facts.conversions == () and facts.float_ops == ()
    assert sum(facts.ops.get(kind, 0) for kind in ("QUANTIZE", "DEQUANTIZE")) == 2


def test_integer_inputs_stay_integers():
    content = builders.tflite(
        lambda ids: tf.gather(builders.weights(20, 4), ids) * 2.0, (1, 3), dtype=tf.int32
    )
    ids = [{"x0": np.array([[i, 2, 19]], np.int32)} for i in range(5)]
    quantized, _, _ = builders.quantize_file(content, ids, io="uint8")
    assert _doors(quantized.content) == ["int32", "uint8"]


def test_an_unknown_dtype_is_refused():
    with pytest.raises(UserError, match="io='int4' is unknown; choose one of: int8"):
        check_io("int4", get_scheme("w8a8"))


def _two_doors():
    kernel = builders.weights(4, 3)
    content = builders.tflite(lambda a, b: (a @ kernel + b, tf.nn.relu(b)), (1, 4), (1, 3))
    data = [
        {"x0": builders.weights(1, 4, seed=s), "x1": builders.weights(1, 3, seed=s)}
        for s in range(8)
    ]
    return content, data


@pytest.mark.parametrize(
    ("scheme", "io", "wanted"),
    [
        ("w8a8", {"input": "uint8", "output": "float32"}, ["uint8", "uint8", "float32", "float32"]),
        ("w8a8", {"x1": "float32", "y0": "uint8"}, ["int8", "float32", "uint8", "int8"]),
        ("w8a8", {"input": "uint8", "x0": "int8"}, ["int8", "uint8", "int8", "int8"]),
        ("w8a16", {"output": "float32"}, ["int16", "int16", "float32", "float32"]),
        ("w8a16", {"x0": "float32"}, ["float32", "int16", "int16", "int16"]),
        ("w8", {"input": "float32"}, ["float32"] * 4),
    ],
)
def test_doors_may_differ(scheme, io, wanted):
    content, data = _two_doors()
    quantized, _, plain = builders.quantize_file(content, data, scheme=scheme, io=io)
    by_name = {
        entry.name.decode(): Graph.from_bytes(quantized.content).tensors[entry.tensorIndex].dtype
        for signature in Graph.from_bytes(quantized.content).model.signatureDefs
        for entry in (*signature.inputs, *signature.outputs)
    }
    assert [by_name[name] for name in ("x0", "x1", "y0", "y1")] == wanted
    for sample in data:
        pairs = (Runner(file).run(sample) for file in (quantized.content, plain.content))
        for came, expected in zip(*pairs, strict=True):
            np.testing.assert_allclose(came, expected, atol=0.1)


@pytest.mark.parametrize(
    ("io", "text"),
    [
        ({"inputs": "uint8"}, "names 'inputs'; the model has the inputs x0, x1 and the outputs"),
        ({"input": "int4"}, "is unknown; choose one of"),
        ({"output": "int16"}, "does not go with scheme='w8a8'"),
    ],
)
def test_doors_that_there_are_not_are_refused(io, text):
    content, data = _two_doors()
    with pytest.raises(UserError, match=text):
        check_io(io, get_scheme("w8a8"))
        builders.quantize_file(content, data, io=io)


def test_names_survive_quantization():
    quantized, _, _ = builders.quantize_file(_content(), DATA, io="uint8")
    assert signature_names(Graph.from_bytes(quantized.content)) == (("x0",), ("y0",))
