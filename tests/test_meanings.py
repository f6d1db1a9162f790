"""Ops whose integers would not mean what their floats mean."""

import builders
import numpy as np
import pytest
import tensorflow as tf

import tflq
from tflq.tflite_side import Runner

ANCHORS, CLASSES, MOST = 12, 6, 4


def _detector():
    boxes = builders.weights(CLASSES, 4) * 0.1
    scores = np.eye(CLASSES, dtype=np.float32) + 0.01
    content = builders.tflite(
        lambda x: (
            x @ boxes,
            tf.concat([tf.zeros((1, ANCHORS, 1)), tf.sigmoid(x @ scores)], -1),
        ),
        (1, ANCHORS, CLASSES),
    )
    return builders.select_boxes(content, most=MOST, classes=CLASSES)


def _scenes(count, classes, things, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(-3, 0.1, (count, ANCHORS, CLASSES)).astype(np.float32)
    for scene in x:
        places = random.choice(ANCHORS, things, replace=False)
        scene[places, random.choice(classes, things)] = 5 - 0.5 * np.arange(things)
    return x


def _export(content, data, tmp_path, **options):
    source, path = tmp_path / "float.tflite", tmp_path / "m.tflite"
    source.write_bytes(content)
    report = tflq.export(source, path, data=data, **options)
    return report, Runner(path.read_bytes())


@pytest.mark.parametrize("io", ["int8", "float32"])
@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
def test_boxes_ids_and_counts_are_those_of_the_float_model(scheme, io, tmp_path):
    content = _detector()
    if scheme == "w8a16" and io == "int8":
        io = "int16"
    # Calibration sees two things of the first two classes; four of others come.
    report, quantized = _export(content, _scenes(40, [0, 1], 2), tmp_path, scheme=scheme, io=io)
    floating = Runner(content)
    for x in _scenes(20, [3, 4, 5], 4, seed=1):
        wanted, came = (r.run({r.inputs[0].name: x[None]}) for r in (floating, quantized))
        np.testing.assert_array_equal(came[1], wanted[1])
        np.testing.assert_array_equal(came[3], wanted[3])
        np.testing.assert_allclose(came[0], wanted[0], atol=0.02)
    assert any("TFLite_Detection_PostProcess" in op for op in report.facts.float_ops)


def test_rows_that_were_not_written_are_not_read():
    content = _detector()
    runner = Runner(content)
    x = _scenes(1, [0, 1], 2)
    boxes, ids, scores, count = runner.run({runner.inputs[0].name: x})
    assert count.tolist() == [2]
    for value in (boxes, ids, scores):
        assert not value[:, 2:].any()


def test_scores_that_are_asked_for_in_int8_are_so(tmp_path):
    options = {"scheme_for": {"*": "w8a8"}}
    report, _ = _export(_detector(), _scenes(40, [0, 1], 2), tmp_path, **options)
    assert [op.split(" ")[0] for op in report.facts.float_ops] == ["TFLite_Detection_PostProcess"]


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16", "w4a8"])
@pytest.mark.parametrize("indices", [[k % 8 for k in range(32)], [2 * k for k in range(32)]])
def test_rows_are_scattered_in_float(indices, scheme, tmp_path):
    head = builders.weights(8, 5)
    places = [[place] for place in indices]
    content = builders.tflite(
        lambda x: (
            tf.scatter_nd(places, tf.reshape(x, (32, 8)) @ builders.weights(8, 8), (64, 8)) @ head
        ),
        (1, 32, 8),
    )
    x = np.random.default_rng(0).normal(1, 1, (40, 32, 8)).astype(np.float32)
    report, _ = _export(content, x, tmp_path, scheme=scheme)
    assert report.outputs[0].sqnr_db > 20
    assert any(op.startswith("SCATTER_ND") for op in report.facts.float_ops)


def test_a_class_that_is_handed_out_as_a_float_is_exact(tmp_path):
    content = builders.tflite(
        lambda x: (x @ builders.weights(8, 8), tf.cast(tf.argmax(x, -1), tf.float32)), (1, 8)
    )
    x = np.zeros((30, 8), np.float32)
    x[np.arange(30), np.arange(30) % 2] = 1
    _, quantized = _export(content, x, tmp_path)
    sample = np.float32([[0, 0, 0, 0, 0, 0, 0, 1]])
    assert 7.0 in [value.item() for value in quantized.run({"x0": sample}) if value.size == 1]
