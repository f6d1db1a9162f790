"""Masks cost no resolution, however they come about."""

import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq.tflite_side import Runner

ROWS, WIDTH = 12, 8
LATER = np.triu(np.ones((1, ROWS, ROWS), np.float32), 1)
BIAS = builders.weights(1, ROWS, ROWS, seed=5)
PROJECTION, HEAD = builders.weights(WIDTH, 3 * WIDTH) * 0.5, builders.weights(WIDTH, 5, seed=1)


def _attention(weigh):
    """A layer of attention whose weights `weigh` makes of scores and input."""

    def network(x):
        query, key, value = tf.split(x @ PROJECTION, 3, -1)
        scores = tf.matmul(query, key, transpose_b=True)
        return tf.matmul(weigh(scores, x), value) @ HEAD

    return network


def _kept(x):
    """1 for positions to be seen, 0 for others, such as padding: by the sign of a feature."""
    return tf.cast(x[:, None, :, 0] > 0, tf.float32)


def _samples(count=24):
    x = np.random.default_rng(0).normal(size=(count, 1, ROWS, WIDTH)).astype(np.float32)
    # Far from 0, so that codes and floats see the same positions; the first is always seen.
    x[..., 0] = np.where(x[..., 0] > 0, 1.0, -1.0)
    x[:, :, 0, 0] = 1.0
    return [{"x0": sample} for sample in x]


def _sqnr_db(content, quantized, samples):
    runners = Runner(content), Runner(quantized)
    wanted, came = (np.stack([one.run(sample)[0] for sample in samples]) for one in runners)
    return 10 * np.log10(np.sum(wanted**2) / np.sum((wanted - came) ** 2))


def _softmax(masked):
    return lambda scores, x: tf.nn.softmax(masked(scores, x))


MASKS = {
    "-1e9 added": _softmax(lambda s, x: s - 1e9 * LATER),
    "-1e4 added": _softmax(lambda s, x: s - 1e4 * LATER),
    "-100 added": _softmax(lambda s, x: s - 100.0 * LATER),
    "with a bias": _softmax(lambda s, x: s + (BIAS - 1e9 * LATER)),
    "computed": _softmax(lambda s, x: s + (1 - _kept(x)) * -1e4),
    "computed, turned": _softmax(lambda s, x: s + (_kept(x) - 1) * 1e9),
    "subtracted": _softmax(lambda s, x: s - 1e9 * (1 - _kept(x))),
    "computed, with a bias": _softmax(lambda s, x: s + (BIAS + (1 - _kept(x)) * -1e9)),
    "two": _softmax(lambda s, x: (s + (1 - _kept(x)) * -1e9) - 1e9 * LATER),
    "scaled after": _softmax(lambda s, x: (s - 1e9 * LATER) * 0.5),
    "divided after": _softmax(lambda s, x: (s - 1e9 * LATER) / 3.0),
    "selected": _softmax(lambda s, x: tf.where(LATER > 0, -np.inf, s)),
    "selected of two sums": _softmax(lambda s, x: tf.where(_kept(x) > 0, s, s - 1e9)),
    "computed, selected": _softmax(lambda s, x: tf.where(_kept(x) > 0, s, -65504.0)),
    "logarithm": _softmax(lambda s, x: s + tf.math.log(_kept(x))),
    "of columns": lambda s, x: tf.transpose(
        tf.nn.softmax(tf.transpose(s - 1e9 * LATER, (0, 2, 1))), (0, 2, 1)
    ),
    "before sigmoid": lambda s, x: tf.sigmoid(s - 1e9 * LATER) / ROWS,
}


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
@pytest.mark.parametrize("mask", MASKS)
def test_scores_keep_their_resolution(mask, scheme):
    content = builders.tflite(_attention(MASKS[mask]), (1, ROWS, WIDTH))
    samples = _samples()
    quantized, _, _ = builders.quantize_file(content, samples, scheme=scheme)
    assert _sqnr_db(content, quantized.content, samples) > (20 if scheme == "w8a8" else 28)


def test_layers_share_a_mask_in_ranges_of_their_own():
    def network(x):
        for scale in (0.1, 0.4):
            x = x + _attention(MASKS["-1e9 added"])(x * scale)[..., :1]
        return x

    content, samples = builders.tflite(network, (1, ROWS, WIDTH)), _samples()
    quantized, plan, plain = builders.quantize_file(content, samples)
    sums = [op for op in plain.graph.ops if op.kind == "SOFTMAX"]
    masks = [plain.graph.producer[op.inputs[0]].inputs[1] for op in sums]
    largest = [plan.constants[mask].max() for mask in masks]
    assert len(set(masks)) == 2
    assert 5 < largest[0] < largest[1] < 50
    assert _sqnr_db(content, quantized.content, samples) > 20


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
@pytest.mark.parametrize("value", [-1e9, -np.inf])
def test_a_row_that_is_masked_as_a_whole_sets_no_range(value, scheme):
    mask = np.where(np.arange(ROWS) % 3 == 0, np.float32(value), 0)[None, :, None]
    weigh = _softmax(lambda s, x: tf.where(mask < 0, value, s - 1e9 * LATER))
    content = builders.tflite(
        lambda x: tf.where(mask < 0, 0.0, _attention(weigh)(x)), (1, ROWS, WIDTH)
    )
    samples = _samples()
    quantized, _, _ = builders.quantize_file(content, samples, scheme=scheme)
    assert _sqnr_db(content, quantized.content, samples) > 20


def _pooled(pad):
    first, second = builders.weights(3, 3, 3, 6) * 0.3, builders.weights(3, 3, 6, 4, seed=1) * 0.3

    def network(x):
        x = pad(tf.nn.relu(tf.nn.conv2d(x, first, 1, "SAME")) - 0.5)
        return tf.nn.conv2d(x, second, 1, "SAME")

    return network


def _padded(value):
    def pad(x):
        x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=value)
        return tf.nn.max_pool2d(x, 3, 2, "VALID")

    return pad


POOLS = {
    "-1e4": _padded(-1e4),
    "-inf": _padded(-np.inf),
    "joined": lambda x: tf.nn.max_pool2d(
        tf.concat([x, tf.fill((1, 8, 1, 6), -1e9)], 2), 3, 2, "VALID"
    ),
    "selected": lambda x: tf.reduce_max(
        tf.where(np.arange(8)[None, :, None, None] < 6, x, -1e9), 1, keepdims=True
    ),
    "selected, smallest": lambda x: tf.reduce_min(
        tf.where(np.arange(8)[None, :, None, None] < 6, x, 1e9), 1, keepdims=True
    ),
}


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
@pytest.mark.parametrize("pool", POOLS)
def test_what_only_a_pool_reads_sets_no_range(pool, scheme):
    content = builders.tflite(_pooled(POOLS[pool]), (1, 8, 8, 3))
    x = np.random.default_rng(0).normal(size=(12, 1, 8, 8, 3)).astype(np.float32)
    samples = [{"x0": sample} for sample in x]
    quantized, _, _ = builders.quantize_file(content, samples, scheme=scheme)
    assert _sqnr_db(content, quantized.content, samples) > (25 if scheme == "w8a8" else 35)


def test_a_large_number_that_is_read_keeps_its_range():
    content = builders.tflite(
        lambda x: tf.where(x > 0, x, -1e4) @ builders.weights(4, 3), (1, 2, 4)
    )
    samples = [{"x0": builders.weights(1, 2, 4, seed=seed)} for seed in range(8)]
    _, plan, plain = builders.quantize_file(content, samples)
    select = next(op for op in plain.graph.ops if op.kind == "SELECT_V2")
    assert plan.ranges[select.outputs[0]][0] == pytest.approx(-1e4)
    assert not plan.constants
