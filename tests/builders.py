"""Builds tiny float .tflite files from TensorFlow functions."""

import numpy as np
import tensorflow as tf


def tflite(function, *shapes, dtype=tf.float32):
    """The float .tflite of `function`, one input a shape, named x0, x1, …"""
    specs = [tf.TensorSpec(shape, dtype, name=f"x{i}") for i, shape in enumerate(shapes)]
    concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


def weights(*shape, seed=0):
    """Standard normal float32 weights."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def quantize_file(content, samples, *, overrides=None, schemes=None, **choices):
    """Calibrates (min/max) and quantizes a float .tflite; returns (Quantized, plan, float).

    `schemes` is `{output name: scheme}` of single ops.
    """
    from tflq.scheme import get_scheme
    from tflq.tflite_side import (
        Graph,
        Runner,
        activation_bits,
        assign,
        choose_bounds,
        choose_ranges,
        collect,
        default_io,
        normalize,
        quantize,
        with_constants,
    )

    plain = normalize(content, name="the test's file")
    inputs = Runner(content).inputs
    scheme = get_scheme(choices.pop("scheme", "w8a8"))
    named = {t.index: v for t in plain.graph.tensors if (v := (schemes or {}).get(t.name))}
    assignment = assign(plain.graph, scheme, named)
    plan = choose_ranges(
        plain.graph,
        collect(plain.content, plain.graph, samples, inputs=inputs),
        calibrator="minmax",
        overrides=overrides or {},
        trained=plain.ranges,
        bits=activation_bits(plain.graph, assignment),
    )
    quantized = quantize(
        Graph.from_bytes(with_constants(plain.content, plan.constants)),
        ranges=plan.ranges,
        bounds=choose_bounds(
            plain.graph, assignment=assignment, method="minmax", trained=plain.bounds
        ),
        scheme=scheme,
        assignment=assignment,
        io=choices.pop("io", default_io(scheme)),
        inputs=[spec.name for spec in inputs],
        outputs=[f"y{i}" for i in range(len(plain.graph.outputs))],
    )
    return quantized, plan, plain
