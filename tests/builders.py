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


def quantize_file(content, samples, *, overrides=None, **choices):
    """Calibrates (min/max) and quantizes a float .tflite; returns (Quantized, plan, float)."""
    from tflq.scheme import get_scheme
    from tflq.tflite_side import Runner, choose_bounds, choose_ranges, collect, normalize, quantize

    plain = normalize(content, name="the test's file")
    inputs = Runner(content).inputs
    scheme = get_scheme(choices.pop("scheme", "w8a8"))
    plan = choose_ranges(
        plain.graph,
        collect(plain.content, plain.graph, samples, inputs=inputs),
        calibrator="minmax",
        overrides=overrides or {},
        trained=plain.ranges,
        bits=8,
    )
    quantized = quantize(
        plain.graph,
        ranges=plan.ranges,
        bounds=choose_bounds(plain.graph, scheme=scheme, method="minmax", trained=plain.bounds),
        scheme=scheme,
        io=choices.pop("io", "int8"),
        inputs=[spec.name for spec in inputs],
        outputs=[f"y{i}" for i in range(len(plain.graph.outputs))],
    )
    return quantized, plan, plain
