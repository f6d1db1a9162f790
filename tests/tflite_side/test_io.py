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


def test_names_survive_quantization():
    quantized, _, _ = builders.quantize_file(_content(), DATA, io="uint8")
    assert signature_names(Graph.from_bytes(quantized.content)) == (("x0",), ("y0",))
