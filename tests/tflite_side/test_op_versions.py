"""Versions of ops, judged by TensorFlow's own exporter and by runtimes that know older ones."""

import builders
import numpy as np
import pytest
import tensorflow as tf
from old_runtimes import RUNTIMES, File, RefusedError, run_many, unavailable
from tensorflow.lite.python.convert import mlir_sparsify

from tflq.tflite_side import SLOTS, Graph, Runner
from tflq.tflite_side._file import operator_code, pack, parse
from tflq.tflite_side._op_versions import set_versions
from tflq.tflite_side._runtime_versions import set_min_runtime_version

IMAGE, ROW, ROWS = (1, 8, 8, 4), (1, 16), (1, 3, 16)
SCHEMES = ("w8a8", "w8a16", "w4a8", "w8", "dynamic")
weights = builders.weights


def conv(x):
    return tf.nn.relu(tf.nn.conv2d(x, weights(3, 3, 4, 8), 1, "SAME") + weights(8))


def grouped(x):
    return tf.nn.conv2d(x, weights(3, 3, 2, 8), 1, "SAME")


def depthwise(x):
    kernel = weights(3, 3, 4, 2)
    return tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "SAME", dilations=[2, 2])


def inner_layers(x):
    """Four of them, so that w4a8 has some to give 4 bits."""
    x = tf.nn.relu(tf.nn.conv2d(x, weights(3, 3, 4, 8), 1, "SAME"))
    x = tf.nn.relu(tf.nn.conv2d(x, weights(1, 1, 8, 8), 1, "SAME"))
    x = tf.nn.depthwise_conv2d(x, weights(3, 3, 8, 1), [1, 1, 1, 1], "SAME")
    return tf.reshape(x, (1, -1))[:, :64] @ weights(64, 8) @ weights(8, 5)


def transposed(x):
    return tf.nn.conv2d_transpose(x, weights(2, 2, 6, 4), (1, 16, 16, 6), 2)


def transposed_with_all(x):
    return tf.nn.relu(transposed(x) + weights(6))


def dense(x):
    return tf.nn.relu(x @ weights(16, 12) + weights(12))


def dense_rows(x):
    return tf.tensordot(x, weights(16, 12), 1) + weights(12)


def arithmetic(x):
    product = tf.sigmoid(x) * x * (x + 1.0) - tf.tanh(x)
    return tf.nn.leaky_relu(tf.maximum(product * 10.0, x)) @ weights(16, 12)


def moved(x):
    x = tf.transpose(tf.concat([x, tf.nn.relu(x)], -1), [0, 2, 1, 3])[:, 1:]
    first, last = tf.split(tf.pad(x, [[0, 0], [1, 0], [0, 0], [0, 0]]), 2, -1)
    return conv(tf.stack([first, last], 0)[1])


def pooled(x):
    x = tf.image.resize(tf.nn.max_pool2d(x, 2, 2, "VALID"), (8, 8))
    return tf.nn.softmax(dense_pool(tf.nn.avg_pool2d(x, 2, 2, "VALID")))


def dense_pool(x):
    return tf.reduce_mean(x, [1, 2]) @ weights(4, 6)


NETWORKS = {
    conv: IMAGE,
    grouped: IMAGE,
    depthwise: IMAGE,
    inner_layers: IMAGE,
    transposed: IMAGE,
    transposed_with_all: IMAGE,
    dense: ROW,
    dense_rows: ROWS,
    arithmetic: ROW,
    moved: IMAGE,
    pooled: IMAGE,
}
CASES = [(function.__name__, scheme) for function in NETWORKS for scheme in SCHEMES]


@pytest.fixture(scope="module")
def files():
    """The files of all networks, by name and scheme."""
    made = {}
    for function, shape in NETWORKS.items():
        content = builders.tflite(function, shape)
        samples = [{"x0": weights(*shape, seed=seed)} for seed in range(8)]
        for scheme in SCHEMES:
            quantized, _, _ = builders.quantize_file(content, samples, scheme=scheme)
            made[function.__name__, scheme] = quantized.content
    return made


def versions(content):
    return [(op.kind, op.version) for op in Graph.from_bytes(content).ops]


# Which ends the whole process on int4 weights.
EXPORTED = [case for case in CASES if case != ("inner_layers", "w4a8")]


@pytest.mark.parametrize(("name", "scheme"), EXPORTED)
def test_versions_are_those_of_tensorflows_exporter(name, scheme, files):
    content = files[name, scheme]
    theirs = bytes(mlir_sparsify(content))
    ours = versions(content)
    assert len(ours) == len(versions(theirs))
    for (kind, version), (_, wanted) in zip(ours, versions(theirs), strict=True):
        if scheme != "w8a16":
            assert (kind, version) == (kind, wanted)
        elif kind not in SLOTS:
            # It writes the int16 layers with a type of their own for biases, a later feature.
            assert (kind, version) >= (kind, wanted)
    if scheme != "w8a16":
        assert min_runtime(content) == min_runtime(theirs)


def min_runtime(content):
    model = parse(content, name="it")
    (entry,) = [e for e in model.metadata if e.name == b"min_runtime_version"]
    return bytes(model.buffers[entry.buffer].data).rstrip(b"\0").decode()


def test_int4_layers_have_the_version_of_their_kernels(files):
    graph = Graph.from_bytes(files["inner_layers", "w4a8"])
    int4 = {
        (op.kind, op.version)
        for op in graph.ops
        if op.kind in SLOTS and graph.tensors[op.inputs[1]].dtype == "int4"
    }
    assert int4 == {("CONV_2D", 7), ("DEPTHWISE_CONV_2D", 7), ("FULLY_CONNECTED", 10)}


def test_ops_that_no_layer_uses_are_not_announced(files):
    model = parse(files["dense", "w8a8"], name="it")
    operator_code(model, 150)
    set_versions(model)
    assert [(op.kind, op.version) for op in Graph(model).ops] == [("FULLY_CONNECTED", 4)]
    assert len(model.operatorCodes) == 1


@pytest.mark.parametrize(
    ("version", "wanted"), [(1, "1.5.0"), (4, "1.14.0"), (12, "2.17.0"), (99, "2.21.0")]
)
def test_the_oldest_runtime_is_that_of_the_newest_op(version, wanted, files):
    model = parse(files["dense", "w8a8"], name="it")
    model.operatorCodes[0].version = version
    model.metadata = None
    set_min_runtime_version(model)
    assert min_runtime(pack(model)) == wanted


@pytest.fixture(scope="module")
def answers(files):
    """By runtime, name and scheme: what LiteRT answers to three samples, and the other one."""
    jobs, wanted = [], []
    for content in files.values():
        here = Runner(content)
        (spec,) = here.inputs
        samples = [{spec.name: weights(*spec.shape, seed=100 + seed)} for seed in range(3)]
        jobs.append(File(content=content, samples=[here.encoded(s) for s in samples]))
        wanted.append([here.codes(s) for s in samples])
    return {
        runtime: dict(zip(files, zip(wanted, run_many(jobs, runtime), strict=True), strict=True))
        for runtime in RUNTIMES
    }


@pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(("name", "scheme"), CASES)
def test_an_older_runtime_computes_the_same_or_refuses(name, scheme, runtime, answers):
    if (runtime, scheme) == ("tflite-micro", "w8"):
        pytest.skip("it reads no versions, and dequantizes all channels by the first one's scale")
    wanted, found = answers[runtime][name, scheme]
    if isinstance(found, RefusedError):
        assert scheme != "w8a8" or runtime == "tflite-micro"
        return
    for ours, theirs in zip(wanted, found, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            if a.dtype == np.float32:
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3 * np.abs(a).max())
            else:
                assert np.abs(a.astype(int) - b.astype(int)).max() <= 2


@pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
@pytest.mark.parametrize(
    ("name", "scheme"), [("dense", "dynamic"), ("dense_rows", "w8a16"), ("inner_layers", "w4a8")]
)
def test_what_an_older_runtime_would_compute_wrongly_it_refuses(name, scheme, answers):
    _, found = answers["tflite-runtime"][name, scheme]
    assert isinstance(found, RefusedError)
    assert name == "inner_layers" or "version" in str(found)
