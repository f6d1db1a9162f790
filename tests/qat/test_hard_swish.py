"""Hard-swish in evaluation: every code as LiteRT gives it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tflq
from tflq.qat._hard_swish import hard_swish_codes
from tflq.tflite_side import Graph, Runner


@pytest.mark.parametrize("seed", range(6))
def test_every_code_is_the_runtimes(seed, tmp_path):
    generator = np.random.default_rng(seed)
    low, high = -generator.uniform(0.5, 12), generator.uniform(0.5, 12)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Activation("hard_silu")])
    x = np.linspace(low, high, 640, dtype=np.float32).reshape(10, 64)
    tflq.export(model, tmp_path / "h.tflite", data=x, verify_data=x, calibrator="minmax")
    content = (tmp_path / "h.tflite").read_bytes()
    graph = Graph.from_bytes(content)
    assert [op.kind for op in graph.ops] == ["HARD_SWISH"]
    source, target = (
        graph.tensors[index].quantization for index in (*graph.inputs, *graph.outputs)
    )
    whole = np.arange(-128, 128) - source.zero_point[0]
    runner = Runner(content)
    values = (whole * source.scale[0]).astype(np.float32).reshape(4, 64)
    came = np.concatenate([runner.codes({runner.inputs[0].name: row[None]})[0] for row in values])
    codes = hard_swish_codes(
        tf.constant(whole, tf.float32),
        *(tf.stack([q.scale[0], np.float32(q.zero_point[0])]) for q in (source, target)),
    )
    np.testing.assert_array_equal(np.clip(codes, -128, 127).reshape(4, 64), came)
