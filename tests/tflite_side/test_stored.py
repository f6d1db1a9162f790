"""Files whose constants are sparse or of 16 bits."""

import copy

import builders
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tflq import UserError
from tflq.tflite_side import Graph, Runner, normalize
from tflq.tflite_side._file import operator_code, pack

SPARSITY, DEFAULT = tf.lite.Optimize.EXPERIMENTAL_SPARSITY, tf.lite.Optimize.DEFAULT
IMAGE, ROW = (1, 8, 8, 4), (1, 32)
SAMPLES = {
    shape: [{"x0": builders.weights(*shape, seed=s)} for s in range(8)] for shape in (IMAGE, ROW)
}


def _thin(weights, *, block=1):
    """A fifth of the weights is left."""
    groups = weights.reshape(-1, block)
    groups[np.random.default_rng(1).random(len(groups)) < 0.8] = 0
    return weights


def _converted(function, shape, *, half=False, sparse=False):
    specs = [tf.TensorSpec(shape, name="x0")]
    concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [SPARSITY] * sparse + [DEFAULT] * half
    converter.target_spec.supported_types = [tf.float16] * half
    return converter.convert()


def _convolutions(x):
    x = tf.nn.relu(tf.nn.conv2d(x, _thin(builders.weights(3, 3, 4, 16)), 1, "SAME"))
    return tf.nn.conv2d(x, _thin(builders.weights(1, 1, 16, 24)), 1, "SAME")


def _dense(x):
    kernel = _thin(builders.weights(16, 32), block=4).T
    return tf.nn.relu(x @ kernel)


def _recurrent(x):
    kernel = _thin(builders.weights(32, 32)) * np.float32(0.2)
    steps = 2 + tf.cast(tf.reduce_sum(x) * 0, tf.int32)
    _, x = tf.while_loop(
        lambda i, x: i < steps, lambda i, x: (i + 1, tf.nn.relu(x @ kernel)), (0, x)
    )
    return x @ builders.weights(32, 8)


def _is_sparse(content):
    return any(t.sparsity for s in Graph.from_bytes(content).model.subgraphs for t in s.tensors)


FILES = {
    "sparse": _converted(_convolutions, IMAGE, sparse=True),
    "sparse half": _converted(_convolutions, IMAGE, sparse=True, half=True),
    "sparse, read as it is": _converted(_dense, ROW, sparse=True),
    "half in a loop": _converted(_recurrent, ROW, half=True),
}
PLAIN = {
    "sparse": _converted(_convolutions, IMAGE),
    "sparse half": _converted(_convolutions, IMAGE),
    "sparse, read as it is": _converted(_dense, ROW),
    "half in a loop": _converted(_recurrent, ROW),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_stored_becomes_plain_float32(name):
    content = FILES[name]
    assert _is_sparse(content) == ("sparse" in name)
    plain = normalize(content, name="it")
    model = plain.graph.model
    graphs = [Graph(model, number) for number in range(len(model.subgraphs))]
    assert {op.kind for g in graphs for op in g.ops}.isdisjoint({"DENSIFY", "DEQUANTIZE"})
    assert not _is_sparse(plain.content)
    assert all(tensor.dtype != "float16" for g in graphs for tensor in g.tensors)
    shape = IMAGE if "read" not in name and "loop" not in name else ROW
    for sample in SAMPLES[shape]:
        expected = Runner(content).run(sample)[0]
        found = Runner(plain.content, inputs=Runner(content).inputs).run(sample)[0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16", "w8", "dynamic"])
@pytest.mark.parametrize("name", FILES)
def test_they_become_what_the_plain_file_becomes(name, scheme):
    shape = IMAGE if "read" not in name and "loop" not in name else ROW
    files = [
        builders.quantize_file(content, SAMPLES[shape], scheme=scheme)[0].content
        for content in (FILES[name], PLAIN[name])
    ]
    # Names and the converter's own notes differ.
    assert len(files[0]) <= len(files[1]) + 200
    assert [op.kind for op in Graph.from_bytes(files[0]).ops] == [
        op.kind for op in Graph.from_bytes(files[1]).ops
    ]


def _embedded(ids):
    table = builders.weights(500, 32)
    return tf.reshape(tf.gather(table, ids), (1, -1)) @ builders.weights(96, 8)


@pytest.mark.parametrize("scheme", ["w8", "dynamic"])
def test_what_stays_float_takes_no_more_than_it_took(scheme):
    specs = [tf.TensorSpec((1, 3), tf.int32, name="x0")]
    concrete = tf.function(_embedded, autograph=False).get_concrete_function(*specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    plain = converter.convert()
    converter.optimizations, converter.target_spec.supported_types = [DEFAULT], [tf.float16]
    half = converter.convert()
    ids = [{"x0": np.int32([[n, 499 - n, 7]])} for n in range(8)]
    from_half = builders.quantize_file(half, ids, scheme=scheme)[0].content
    from_plain = builders.quantize_file(plain, ids, scheme=scheme)[0].content
    assert len(from_half) < len(half) < 0.6 * len(from_plain)
    kinds = {(op.kind, op.version) for op in Graph.from_bytes(from_half).ops}
    assert ("DEQUANTIZE", 5 if scheme == "w8" else 3) in kinds
    for sample in ids:
        expected = Runner(half).run(sample)[0]
        np.testing.assert_allclose(Runner(from_half).run(sample)[0], expected, atol=0.3)


def _moved(kind, options, operand, move):
    """The file of float16 weights, which some op moves before they are converted."""
    content = _converted(_dense, ROW, half=True)
    graph = Graph.from_bytes(content)
    model, subgraph = graph.model, graph.model.subgraphs[0]
    conversion = next(op for op in graph.ops if op.kind == "DEQUANTIZE")
    stored = graph.constant(conversion.inputs[0])
    source = subgraph.tensors[conversion.inputs[0]]
    before = copy.copy(source)
    value = np.ascontiguousarray(move(stored))
    model.buffers[source.buffer].data = np.frombuffer(value.tobytes(), np.uint8)
    source.shape = list(value.shape)
    before.name, before.buffer = b"moved", 0
    extra = schema.TensorT()
    extra.name, extra.type, extra.shape = b"operand", schema.TensorType.INT32, [len(operand)]
    extra.buffer = len(model.buffers)
    data = np.frombuffer(np.int32(operand).tobytes(), np.uint8)
    model.buffers.append(schema.BufferT(data=data))
    subgraph.tensors += [before, extra]
    moving = schema.OperatorT()
    moving.opcodeIndex = operator_code(model, getattr(schema.BuiltinOperator, kind))
    moving.builtinOptionsType = getattr(schema.BuiltinOptions, options)
    moving.builtinOptions = getattr(schema, f"{options}T")()
    place = len(subgraph.tensors)
    moving.inputs, moving.outputs = [int(conversion.inputs[0]), place - 1], [place - 2]
    subgraph.operators[conversion.index].inputs = [place - 2]
    subgraph.operators.insert(0, moving)
    return pack(model), content


@pytest.mark.parametrize(
    ("kind", "options", "operand", "move"),
    [
        ("RESHAPE", "ReshapeOptions", [16, 32], lambda w: w.reshape(2, 256)),
        ("TRANSPOSE", "TransposeOptions", [1, 0], lambda w: w.T),
    ],
)
def test_half_weights_may_be_moved_before_they_are_converted(kind, options, operand, move):
    content, direct = _moved(kind, options, operand, move)
    found, expected = (
        builders.quantize_file(file, SAMPLES[ROW])[0].content for file in (content, direct)
    )
    assert [op.kind for op in Graph.from_bytes(found).ops] == ["FULLY_CONNECTED"]
    for sample in SAMPLES[ROW]:
        np.testing.assert_array_equal(Runner(found).run(sample), Runner(expected).run(sample))


def test_a_file_that_computes_in_float16_is_refused_by_name():
    content = builders.tflite(lambda x: tf.cast(tf.cast(x, tf.float16), tf.float32), ROW)
    with pytest.raises(UserError, match=r"my file computes in float16"):
        normalize(content, name="my file")
