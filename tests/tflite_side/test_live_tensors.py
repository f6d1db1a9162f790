"""Only what something depends on is ever looked at: the rest is memory that nobody need write."""

import builders
import networks
import numpy as np
import pytest
import tensorflow as tf

import tflq
from tflq._source import open_model
from tflq.tflite_side import (
    Graph,
    Runner,
    activations,
    channel_errors,
    collect,
    pack,
    quantized_layers,
    same_activations,
    untrained,
    weighted_ops,
)
from tflq.tflite_side._plan import Plan

SHAPE = (1, 4, 4, 3)


def two_ends(x):
    """A convolution, and another one whose result becomes NaN."""
    kept = tf.nn.conv2d(x, builders.weights(3, 3, 3, 4), 1, "SAME")
    lost = tf.nn.conv2d(x, builders.weights(1, 1, 3, 2), 1, "SAME")
    return kept, tf.math.log(-tf.abs(lost) - 1.0)


@pytest.fixture(scope="module")
def half_dead():
    """A float file of which nothing reads the second end, and samples."""
    graph = Graph.from_bytes(builders.tflite(two_ends, SHAPE))
    made = {graph.producer[t].kind: t for t in graph.outputs}
    graph.model.subgraphs[0].outputs = [made["CONV_2D"]]
    graph.model.signatureDefs = None
    return pack(graph.model), builders.weights(20, *SHAPE[1:], seed=1)


def test_what_nothing_depends_on_is_not_live(half_dead):
    graph = Graph.from_bytes(half_dead[0])
    assert [op.kind for op in graph.ops].count("CONV_2D") == 2
    (kept,) = (t for t in graph.outputs)
    assert graph.live.intersection(activations(graph)) == {*graph.inputs, kept}
    assert set(untrained(graph, {})) == {*graph.inputs, kept}
    assert [op.outputs for op in weighted_ops(graph)] == [(kept,)]
    dead = [t for op in graph.ops for t in op.outputs if t != kept]
    assert same_activations(graph, graph, [*dead, kept]) == {kept: graph.tensors[kept]}


def test_results_of_a_loop_that_nothing_reads_have_no_statistics():
    model, data = networks.looped_sequence("GRU")
    source = open_model(model)
    graph = Graph.from_bytes(source.tflite)
    (loop,) = (op for op in graph.ops if op.kind == "WHILE")
    unread = [t for t in loop.outputs if t not in graph.consumers]
    assert {graph.tensors[t].dtype for t in unread} >= {"float32"}
    samples = [{source.inputs[0].name: data[:1]}]
    seen = collect(source.tflite, graph, samples, inputs=source.inputs)
    assert seen.keys().isdisjoint(unread)
    every = dict.fromkeys((t for op in graph.ops for t in op.outputs), None)
    layers = quantized_layers(
        graph, Plan(doors=dict.fromkeys(every.keys() & seen), bounds={}, bits={})
    )
    assert all(set(layer.tensors).isdisjoint(unread) for layer in layers)


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
def test_a_file_is_exported_that_computes_nonsense_for_nobody(half_dead, tmp_path, scheme):
    content, data = half_dead
    (tmp_path / "half.tflite").write_bytes(content)
    report = tflq.export(tmp_path / "half.tflite", tmp_path / "q.tflite", data=data, scheme=scheme)
    assert report.outputs[0].sqnr_db > 30
    assert "LOG" not in str(report)


def test_all_else_that_looks_leaves_it_out_too(half_dead, tmp_path):
    content, data = half_dead
    (tmp_path / "half.tflite").write_bytes(content)
    options = {"data": data, "rounding": "least_squares"}
    tflq.export(tmp_path / "half.tflite", tmp_path / "q.tflite", **options)
    ranked = tflq.sensitivity(tmp_path / "half.tflite", data)
    assert len(ranked.layers) == 2
    inputs = Runner(content).inputs
    samples = [{inputs[0].name: x[None]} for x in data[:3]]
    errors = channel_errors(content, (tmp_path / "q.tflite").read_bytes(), samples, inputs)
    assert all(np.isfinite(error).all() for error in errors.values())
    assert len(errors) == 1
