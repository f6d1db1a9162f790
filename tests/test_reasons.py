"""What LiteRT, TensorFlow's quantizer and Keras raise becomes sentences."""

import builders
import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import tflq
from tflq._reasons import failed_class, keras_reason, quantizer_reason, runtime_reason
from tflq.tflite_side import Graph, Runner, pack

# What no user should read.
NOISE = ("Node number", "runtimeNode", ".cc:", "site-packages", "\x1b", "it names", "Python state")
CONVOLUTION = builders.tflite(
    lambda x: tf.nn.conv2d(x, builders.weights(3, 3, 3, 4), 1, "SAME"), (1, 8, 8, 3)
)


def _damaged(change):
    graph = Graph.from_bytes(CONVOLUTION)
    change(graph.model, graph)
    return pack(graph.model)


def _other_kernel(model, graph):
    model.subgraphs[0].tensors[graph.ops[0].inputs[1]].shape = [4, 3, 1, 9]


def _newer(model, graph):
    model.operatorCodes[0].version = 99


def _custom(model, graph):
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "MyOp"
    operator = model.subgraphs[0].operators[0]
    operator.builtinOptionsType, operator.builtinOptions = 0, None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_other_kernel, ["op CONV_2D (", "input_channel"]),
        (_newer, ["CONV_2D in version 99", "older converter"]),
        (_custom, ["custom op 'MyOp'", "replace the layer"]),
    ],
)
def test_what_litert_refuses_is_said_with_the_op(change, words, tmp_path):
    content = _damaged(change)
    file = tmp_path / "m.tflite"
    file.write_bytes(content)
    for attempt in (lambda: Runner(content), lambda: tflq.inspect(file)):
        with pytest.raises(tflq.UserError) as caught:
            attempt()
        text = str(caught.value)
        assert all(word in text for word in words)
        assert not any(noise in text for noise in NOISE)


def test_what_fails_while_running_is_said_with_the_op():
    table = builders.weights(5, 3)
    content = builders.tflite(lambda x: tf.gather(table, tf.cast(x, tf.int32)), (1, 8))
    runner = Runner(content)
    with pytest.raises(tflq.UserError, match=r"op GATHER \(.+\) fails: gather index out of bounds"):
        runner.run({"x0": np.full((1, 8), 77, np.float32)})


def test_delegates_are_not_ops():
    text = (
        "failed to create XNNPACK runtimeNode number 3 (TfLiteXNNPackDelegate) failed to prepare."
    )
    reason = runtime_reason(text, lambda index: pytest.fail("it is no op of the file"))
    assert reason.startswith("XNNPACK makes no kernel") and "runtimeNode" not in reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('loc(callsite("a" at "b")): error: \'tfl.conv\' op has 0.5 > 0.1\n', "has 0.5 > 0.1"),
        ('<unknown>:0: error: loc("x"): failed to quantize\nnote: see', "failed to quantize"),
        ("", "gave no reason"),
        ("word " * 200, "word …"),
    ],
)
def test_the_quantizers_places_are_left_out(text, reason):
    came = quantizer_reason(text)
    assert came.endswith(reason) and "loc(" not in came and len(came) < 310


def test_kerass_messages_are_cut_to_the_cause():
    class Broken(keras.layers.Layer):
        def call(self, x):
            raise ValueError("the moon is full. Wait a day")

    with pytest.raises(ValueError, match="moon") as caught:
        Broken()(np.zeros((1, 2), "float32"))
    assert keras_reason(caught.value) == "the moon is full"
    assert failed_class(caught.value) == "Broken"
    assert keras_reason(ValueError()) == "ValueError"


def test_a_conversion_that_changes_a_model_blames_no_layer_at_random(tmp_path):
    class Moody(keras.layers.Layer):
        def call(self, x):
            return x * (2.0 if tf.inside_function() else 1.0)

    x = keras.Input((4,))
    model = keras.Model(x, Moody()(x))
    with pytest.raises(tflq.ConversionError, match="does not compute what the model does") as told:
        tflq.export(model, tmp_path / "m.tflite", data=np.ones((20, 4), "float32"))
    assert not any(noise in str(told.value) for noise in NOISE)
