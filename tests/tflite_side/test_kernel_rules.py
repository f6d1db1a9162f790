"""Each rule is held against what TensorFlow's quantizer makes of a graph with that op."""

import builders
import numpy as np
import pytest
import tensorflow as tf

from tflq.tflite_side import Graph
from tflq.tflite_side._kernel_rules import FIXED_OUTPUT, SAME_SCALE, same_scale_groups

IMAGE = (1, 8, 8, 4)


def _conv(x, seed=0):
    kernel = builders.weights(1, 1, 4, 4, seed=seed)
    return tf.nn.conv2d(x, kernel, 1, "SAME")


SAME_SCALE_CASES = {
    "AVERAGE_POOL_2D": lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"),
    "BATCH_TO_SPACE_ND": lambda x: tf.batch_to_space(
        tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]), [2, 2], [[1, 1], [0, 0]]
    ),
    "CONCATENATION": lambda x: tf.concat([x, _conv(x, 5) * 8], -1),
    "DEPTH_TO_SPACE": lambda x: tf.nn.depth_to_space(x, 2),
    "GATHER": lambda x: tf.gather(x, [0, 3, 1], axis=1),
    "MAXIMUM": lambda x: tf.maximum(x, _conv(x, 5)),
    "MAX_POOL_2D": lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
    "MINIMUM": lambda x: tf.minimum(x, _conv(x, 5)),
    "MIRROR_PAD": lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"),
    "PACK": lambda x: tf.stack([x, _conv(x, 5)]),
    "PAD": lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]),
    "REDUCE_MAX": lambda x: tf.reduce_max(x, axis=(1, 2)),
    "REDUCE_MIN": lambda x: tf.reduce_min(x, axis=(1, 2)),
    "RESHAPE": lambda x: tf.reshape(x, (1, 256)),
    "RESIZE_BILINEAR": lambda x: tf.image.resize(x, (16, 16), "bilinear"),
    "RESIZE_NEAREST_NEIGHBOR": lambda x: tf.image.resize(x, (16, 16), "nearest"),
    "SLICE": lambda x: tf.slice(x, [0, 1, 1, 0], [1, 3, 3, 4]),
    "SPACE_TO_DEPTH": lambda x: tf.nn.space_to_depth(x, 2),
    "SPLIT": lambda x: tf.split(x, 2, axis=-1)[1],
    "STRIDED_SLICE": lambda x: x[:, ::2, 1:],
    "TRANSPOSE": lambda x: tf.transpose(x, (0, 2, 3, 1)),
    "UNPACK": lambda x: tf.unstack(x, axis=1)[2],
}


def _quantized(function):
    content = builders.tflite(lambda x: _tail(function(_conv(x))), IMAGE)
    data = [{"x0": builders.weights(*IMAGE, seed=s)} for s in range(3)]
    quantized, _, plain = builders.quantize_file(content, data)
    return Graph.from_bytes(quantized.content), plain.graph, quantized


def _tail(x):
    # An op of its own scale behind, so that the op under test is not at the graph's end.
    return x * 0.3 - x * x


@pytest.mark.parametrize("kind", SAME_SCALE_CASES)
def test_ops_that_move_codes_share_one_scale(kind):
    integer, _, quantized = _quantized(SAME_SCALE_CASES[kind])
    assert kind in SAME_SCALE
    op = next(op for op in integer.ops if op.kind == kind)
    tied = [integer.tensors[i] for i in (*op.inputs, *op.outputs) if i >= 0]
    scales = {float(t.quantization.scale[0]) for t in tied if t.quantization}
    assert len(scales) == 1, f"{kind} was given several scales"
    assert not [o for o in integer.ops if o.kind in ("QUANTIZE", "DEQUANTIZE")]
    assert quantized.deviations == ()


def test_every_group_is_closed_under_its_ops():
    content = builders.tflite(
        lambda x: _tail(tf.concat([tf.nn.max_pool2d(x, 2, 2, "VALID"), x[:, ::2, ::2]], -1)), IMAGE
    )
    graph = Graph.from_bytes(content)
    groups = same_scale_groups(graph)
    members = [tensor for group in groups for tensor in group]
    assert len(members) == len(set(members))
    concat = next(op for op in graph.ops if op.kind == "CONCATENATION")
    (group,) = [g for g in groups if concat.outputs[0] in g]
    assert {*concat.inputs, *graph.inputs} <= set(group)


FIXED_CASES = {
    "LOGISTIC": tf.sigmoid,
    "SOFTMAX": tf.nn.softmax,
    "LOG_SOFTMAX": tf.nn.log_softmax,
    "TANH": tf.tanh,
    "L2_NORMALIZATION": lambda x: tf.math.l2_normalize(x, axis=-1),
}


@pytest.mark.parametrize("kind", FIXED_CASES)
def test_fixed_outputs_have_the_kernels_scale(kind):
    integer, _, quantized = _quantized(lambda x: FIXED_CASES[kind](tf.reshape(x, (64, 4))))
    op = next(op for op in integer.ops if op.kind == kind)
    held = integer.tensors[op.outputs[0]].quantization
    assert float(held.scale[0]) == FIXED_OUTPUT[kind].scale
    assert int(held.zero_point[0]) == FIXED_OUTPUT[kind].zero_point
    assert quantized.deviations == ()


def test_all_fixed_rules_are_tested():
    assert set(FIXED_CASES) == set(FIXED_OUTPUT)


def test_a_fixed_range_runs_from_the_lowest_to_the_highest_code():
    assert FIXED_OUTPUT["SOFTMAX"].range == (0.0, 255 / 256)
    np.testing.assert_allclose(FIXED_OUTPUT["TANH"].range, (-1.0, 127 / 128))
