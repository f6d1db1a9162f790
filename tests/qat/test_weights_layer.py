"""Layers that stay whole: their weights have a scale for each output channel of the file."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from small_networks import noise, shake
from training import export, outputs, run_file

import tflq
from tflq.qat import QuantizedWeights

VIDEO, ROWS = noise(2, 6, 6, 2, rows=100), noise(6, 8, rows=100)


def _of_video(layer):
    return lambda x: layers.TimeDistributed(layer())(x), VIDEO


def _attended(**options):
    attention = layers.MultiHeadAttention(2, 4, **options)
    return lambda x: attention(x, x, attention_mask=ops.ones((1, 6, 6), "bool")), ROWS


WHOLE = {
    "attention with a mask of its own": _attended(),
    "attention with a gate": (lambda x: layers.MultiHeadAttention(2, 4, use_gate=True)(x, x), ROWS),
    "grouped": (lambda x: layers.GroupQueryAttention(4, 4, 2)(x, x), ROWS),
    "depthwise": _of_video(lambda: layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "transposed": _of_video(lambda: layers.Conv2DTranspose(3, 3)),
    "separable": _of_video(lambda: layers.SeparableConv2D(4, 3, depth_multiplier=2)),
    "heads": _of_video(lambda: layers.EinsumDense("bhwc,cde->bhwde", (6, 6, 3, 2))),
    "recurrent": (lambda x: layers.Bidirectional(layers.LSTM(4, unroll=True))(x), ROWS),
}


@pytest.mark.parametrize("name", WHOLE)
def test_with_data_all_of_it_is_integer(name, tmp_path):
    keras.utils.set_random_seed(0)
    body, data = WHOLE[name]
    given = keras.Input(data.shape[1:], name="given")
    model = shake(keras.Model(given, layers.Dense(3)(layers.Flatten()(body(given)))))
    qat = tflq.quantize(model, data=data)
    assert any(isinstance(layer, QuantizedWeights) for layer in qat.layers)
    report, content = export(qat, tmp_path, data=data)
    assert not report.facts.float_ops
    wanted, ((made,), _) = outputs(qat, data)[0], run_file(content, data)
    noise_ = np.square(wanted - made).sum()
    assert 10 * np.log10(np.square(wanted).sum() / max(noise_, 1e-12)) > 25
