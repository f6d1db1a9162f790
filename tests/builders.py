"""Builds tiny float .tflite files from TensorFlow functions."""

import copy

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
        within_kernels,
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
    bounds = choose_bounds(
        plain.graph, assignment=assignment, method="minmax", trained=plain.bounds
    )
    plan = within_kernels(plain.graph, plan, bounds, assignment)
    quantized = quantize(
        Graph.from_bytes(with_constants(plain.content, plan.constants)),
        ranges=plan.ranges,
        bounds=bounds,
        scheme=scheme,
        assignment=assignment,
        io=choices.pop("io", default_io(scheme)),
        inputs=[spec.name for spec in inputs],
        outputs=[f"y{i}" for i in range(len(plain.graph.outputs))],
    )
    return quantized, plan, plain


def select_boxes(content, *, most, classes):
    """Ends a .tflite of two outputs in the op that decodes boxes and selects some by their scores.

    The first output is of shape (1, anchors, 4), the second (1, anchors, 1 + classes).
    """
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import flexbuffers

    from tflq.tflite_side import Graph, pack

    graph = Graph.from_bytes(content)
    model, sub = graph.model, graph.model.subgraphs[0]
    anchors = graph.tensors[graph.outputs[0]].shape[1]

    def add(name, shape, value=None):
        data = None if value is None else np.frombuffer(np.float32(value).tobytes(), np.uint8)
        model.buffers.append(schema.BufferT(data=data))
        sub.tensors.append(schema.TensorT(name=name, shape=shape, buffer=len(model.buffers) - 1))
        return len(sub.tensors) - 1

    options = flexbuffers.Builder()
    with options.Map():
        for key, value in {
            "max_detections": most,
            "max_classes_per_detection": 1,
            "num_classes": classes,
            "nms_score_threshold": 0.5,
            "nms_iou_threshold": 0.5,
            **dict.fromkeys(("y_scale", "x_scale", "h_scale", "w_scale"), 10.0),
        }.items():
            options.Key(key)
            (options.Int if isinstance(value, int) else options.Float)(value)
    along = (np.arange(anchors) + 0.5) / anchors
    square = np.stack([along, along, 0 * along + 0.02, 0 * along + 0.02], -1)
    code = schema.OperatorCodeT(customCode="TFLite_Detection_PostProcess", version=1)
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes.append(code)
    outputs = {"boxes": [1, most, 4], "ids": [1, most], "scores": [1, most], "count": [1]}
    operator = schema.OperatorT(opcodeIndex=len(model.operatorCodes) - 1)
    operator.inputs = [*graph.outputs, add("anchors", [anchors, 4], square)]
    operator.outputs = sub.outputs = [add(*output) for output in outputs.items()]
    operator.customOptions = np.frombuffer(bytes(options.Finish()), np.uint8)
    sub.operators.append(operator)
    model.signatureDefs = None
    return pack(model)


def unfuse(model, raw):
    """Makes the fused activation of one operator an op of its own, in place."""
    from ai_edge_litert import schema_py_generated as schema

    from tflq.tflite_side._file import operator_code

    sub, kinds = model.subgraphs[0], {1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6"}
    kind = kinds[raw.builtinOptions.fusedActivationFunction]
    before = copy.copy(sub.tensors[raw.outputs[0]])
    before.name = b"before_%d" % len(sub.tensors)
    sub.tensors.append(before)
    activation = schema.OperatorT()
    activation.opcodeIndex = operator_code(model, getattr(schema.BuiltinOperator, kind))
    activation.inputs, activation.outputs = [len(sub.tensors) - 1], raw.outputs
    raw.outputs, raw.builtinOptions.fusedActivationFunction = activation.inputs, 0
    sub.operators.insert(sub.operators.index(raw) + 1, activation)


def crashing(content):
    """The .tflite with a signature that leads LiteRT out of the model."""
    from ai_edge_litert import schema_py_generated as schema

    from tflq.tflite_side import Graph, pack

    model = Graph.from_bytes(content).model
    doors = [schema.TensorMapT(name="x", tensorIndex=99)]
    model.signatureDefs = [
        schema.SignatureDefT(signatureKey="serve", subgraphIndex=5, inputs=doors, outputs=doors)
    ]
    return pack(model)


def endless():
    """A .tflite that never comes back: on zeros, its loop goes on."""

    def loop(x):
        body = lambda y: (tf.nn.relu(y),)  # noqa: E731
        return tf.while_loop(lambda y: tf.reduce_sum(y) < 1.0, body, (x,))[0]

    return tflite(loop, (1, 4))
