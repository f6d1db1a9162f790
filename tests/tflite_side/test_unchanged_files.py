import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq import UserError
from tflq.tflite_side._file import pack
from tflq.tflite_side._graph import Graph

KERNEL = builders.weights(16, 12)


def dense(x):
    return tf.nn.relu(x @ KERNEL)


def samples(count=8):
    return [{"x0": builders.weights(1, 16, seed=seed)} for seed in range(count)]


def with_old_codes(content):
    """As converters wrote it before op codes outgrew their byte."""
    model = Graph.from_bytes(content).model
    for code in model.operatorCodes:
        code.builtinCode = 0
    return pack(model)


@pytest.mark.parametrize("scheme", ["w8", "dynamic", "w8a8", "w8a16", "w4a8"])
def test_a_file_of_an_older_converter_is_quantized_as_a_newer_one(scheme):
    content = builders.tflite(dense, (1, 16))
    newer, _, _ = builders.quantize_file(content, samples(), scheme=scheme)
    older, _, _ = builders.quantize_file(with_old_codes(content), samples(), scheme=scheme)
    assert older.content == newer.content
    graph = Graph.from_bytes(older.content)
    assert any(np.size(t.quantization.scale) == 12 for t in graph.tensors if t.quantization)


@pytest.mark.parametrize("scheme", ["w8", "dynamic", "w8a8", "w8a16"])
def test_a_scheme_that_changes_nothing_is_refused(scheme):
    content = builders.tflite(lambda x: dense(x) + 1.0, (1, 16))
    names = {t.name: "float32" for t in Graph.from_bytes(content).tensors}
    with pytest.raises(UserError, match=rf"{scheme!r} quantized nothing"):
        builders.quantize_file(content, samples(), scheme=scheme, schemes=names)


def test_a_network_without_integer_kernels_is_refused_by_its_ops():
    content = builders.tflite(lambda x: tf.sin(tf.math.ceil(x)), (1, 16))
    with pytest.raises(UserError, match=r"quantized nothing.*CEIL, SIN"):
        builders.quantize_file(content, samples())
