"""Curves for which codes are too coarse."""

import builders
import keras
import numpy as np
import pytest
import tensorflow as tf

import tflq
from tflq.ranges import Histogram
from tflq.tflite_side import Graph
from tflq.tflite_side._curves import CURVES, Spread, contrast

W = builders.weights
SHAPE = (1, 8, 8, 4)


def _histogram(values):
    histogram = Histogram()
    histogram.update(np.asarray(values, np.float32))
    return histogram


def _true_decibels(curve, values, bits, low, high):
    """By the runtime's rule: nearest code in, the curve of what it stands for."""
    step = (high - low) / (2**bits - 1)
    codes = np.maximum(low + np.rint((values - low) / step) * step, 1e-9)
    made = curve.function(values)
    came = curve.function(codes).clip(made.min(), made.max())
    centre = made.mean() if curve.centred else 0.0
    scale = made if curve.relative else 1.0
    signal, noise = ((made - centre) / scale) ** 2, ((made - came) / scale) ** 2
    return 10 * np.log10(signal.sum() / noise.sum())


@pytest.mark.parametrize("kind", ["LOG", "RSQRT", "DIV", "SQRT"])
@pytest.mark.parametrize("low", [0.02, 0.5])
def test_a_histogram_tells_what_codes_cost(kind, low):
    values = np.random.default_rng(0).uniform(low, 4.0, 4000)
    spread = Spread(CURVES[kind], _histogram(values), (low, 4.0))
    wanted = _true_decibels(CURVES[kind], values, 8, low, 4.0)
    assert abs(spread.decibels(8, integer=False) - wanted) < 3


def test_straight_lines_cost_more_than_codes():
    values = np.exp(np.random.default_rng(0).uniform(-4, 4, 4000))
    spread = Spread(CURVES["LOG"], _histogram(values), (values.min(), values.max()))
    assert spread.decibels(16, integer=True) < 35 < 45 < spread.decibels(16, integer=False)
    # So do not those of a curve that is nowhere steep.
    flat = Spread(CURVES["LOG"], _histogram(values + 60), (60.0, 120.0))
    assert flat.decibels(16, integer=True) > 60


def test_contrast_is_of_the_largest_to_the_usual():
    values = np.concatenate([np.full(1000, 2.0), [-300.0], np.zeros(5000)])
    assert contrast(_histogram(values)) == pytest.approx(150, rel=0.3)
    assert contrast(_histogram(np.zeros(9))) == 1.0


def _export(network, data, tmp_path, **options):
    path = tmp_path / "float.tflite"
    path.write_bytes(builders.tflite(network, SHAPE))
    options = {"data": data, "verify_data": data, "calibrator": "minmax", **options}
    return tflq.export(path, tmp_path / "q.tflite", **options)


def _kinds(report):
    return [op.split()[0] for op in report.facts.float_ops]


DATA = W(30, *SHAPE[1:], seed=5)


@pytest.mark.parametrize(("scheme", "least"), [("w8a8", 28), ("w8a16", 50)])
def test_a_logarithm_of_powers_stays_in_float_with_what_makes_them(scheme, least, tmp_path):
    def network(x):
        power = tf.square(tf.nn.conv2d(x, W(1, 1, 4, 6), 1, "SAME"))
        return tf.math.log(tf.square(power) + 1e-5) * 0.3

    report = _export(network, DATA, tmp_path, scheme=scheme)
    assert {"MUL", "ADD", "LOG"} <= set(_kinds(report))
    assert report.outputs[0].sqnr_db > least - 10
    text = str(report)
    assert "Kept in float32" in text and "LOG" in text
    (reason,) = (why for op, why in report.kept_float.items() if op.startswith("LOG"))
    assert "bits leave" in reason


def test_one_layer_of_weights_is_passed_and_no_more(tmp_path):
    def network(x):
        for seed in range(3):
            x = tf.nn.relu(tf.nn.conv2d(x, W(1, 1, 4, 4, seed=seed), 1, "SAME"))
        return tf.math.log(tf.square(x) + 1e-6) * 0.3

    report = _export(network, DATA, tmp_path)
    assert _kinds(report).count("CONV_2D") == 1
    assert report.facts.ops["CONV_2D"] == 3


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
def test_curves_of_narrow_ranges_compute_in_integers(scheme, tmp_path):
    def network(x):
        y = tf.abs(x) + 1.0
        return tf.math.log(y) + tf.math.rsqrt(y) + tf.sqrt(y) + x / y + tf.exp(x * 0.3)

    report = _export(network, DATA, tmp_path, scheme=scheme)
    assert not report.facts.float_ops and not report.kept_float
    assert report.outputs[0].sqnr_db > (30 if scheme == "w8a8" else 60)


def test_what_was_asked_for_stays_as_asked(tmp_path):
    def network(x):
        return tf.math.log(tf.square(tf.square(x)) + 1e-5) * 0.3

    kept = _export(network, DATA, tmp_path)
    (name,) = (op[5:-1] for op in kept.kept_float if op.startswith("LOG"))
    asked = _export(network, DATA, tmp_path, scheme_for={name: "w8a8"})
    assert "LOG" not in _kinds(asked)
    # In float by request, it still needs what it reads.
    floating = _export(network, DATA, tmp_path, scheme_for={name: "float32"})
    assert _kinds(floating) == _kinds(kept)


def test_layer_normalization_of_rows_that_are_nearly_constant(tmp_path):
    inputs = keras.Input((8, 16))
    outputs = keras.layers.Dense(6)(keras.layers.LayerNormalization(epsilon=1e-5)(inputs))
    model = keras.Model(inputs, outputs)
    data = np.random.default_rng(0).normal(size=(40, 8, 16)).astype("float32")
    # Padding: what an embedding gives there differs by next to nothing.
    data[:, 5:] = 1.0 + data[:, 5:] * 1e-4
    content = tflq.export(model, tmp_path / "q.tflite", data=data, calibrator="minmax")
    assert content.outputs[0].sqnr_db > 20
    graph = Graph.from_bytes((tmp_path / "q.tflite").read_bytes())
    (dense,) = (op for op in graph.ops if op.kind == "FULLY_CONNECTED")
    assert graph.tensors[dense.outputs[0]].dtype == "int8"
