"""Every kind of layer: trained, saved, loaded, cloned, exported without data, compared."""

import keras
import numpy as np
import pytest
import small_networks
import training
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_graphs import Drawn

import tflq
from tflq.qat import FakeQuant, QuantizedKernel, QuantizedWeights

# Kernels of LiteRT that round otherwise than float arithmetic does: how many codes are equal.
ROUNDED = {
    "LeakyReLU": 0.8,
    "AveragePooling1D": 0.6,
    "AveragePooling2D": 0.7,
    "softmax beside convolution": 0.7,
    "integer activations": 0.85,
    "float activations": 0.9,
    # The file gives its last tanh the range of the integer kernel, though it stays float.
    "SimpleRNN": 0.75,
}
# Layers whose inside has no range of its own.
FLOAT_INSIDE = {
    "MultiHeadAttention": {"BATCH_MATMUL", "SOFTMAX"},
    "MultiHeadAttention causal": {"BATCH_MATMUL", "SOFTMAX", "ADD"},
    "LSTM loop": {"WHILE"},
    "ELU": {"ELU"},
}
MIXED_INSIDE = (
    "LayerNormalization",
    "GroupNormalization",
    "UnitNormalization",
    "LSTM",
    "GRU",
    "SimpleRNN",
    "Bidirectional",
    "float activations",
)
QUANTIZED = (QuantizedKernel, QuantizedWeights)


def _loaded(qat, folder):
    qat.save(folder / "qat.keras")
    return keras.models.load_model(folder / "qat.keras")


def _same(one, other, data):
    for a, b in zip(training.outputs(one, data), training.outputs(other, data), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", small_networks.LAYERS)
def test_trains_saves_clones_and_exports(name, tmp_path):
    model = small_networks.LAYERS[name]()
    data = small_networks.data_for(model)
    before = [np.array(w) for w in model.get_weights()]
    qat = tflq.quantize(model)
    assert [t.shape for t in qat.outputs] == [t.shape for t in model.outputs]
    assert sum(isinstance(layer, FakeQuant) for layer in qat.layers) >= 2
    assert any(isinstance(layer, QUANTIZED) for layer in qat.layers)
    assert not {id(v) for v in model.variables} & {id(v) for v in qat.variables}

    names = [layer.name for layer in qat.layers]
    assert len(set(names)) == len(names)
    assert list(qat.output_names) == list(getattr(model, "output_names", [model.layers[-1].name]))
    assert [t.name for t in qat.inputs] == [t.name for t in model.inputs]

    weights = [np.array(v) for v in qat.trainable_variables]
    history = training.fit(qat, data)
    assert np.isfinite(history.history["loss"]).all()
    moved = [
        np.abs(np.asarray(v) - old).max() > 0
        for v, old in zip(qat.trainable_variables, weights, strict=True)
    ]
    assert sum(moved) >= len(moved) / 2
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)

    _same(_loaded(qat, tmp_path), qat, data)
    clone = keras.models.clone_model(qat)
    clone.set_weights(qat.get_weights())
    _same(clone, qat, data)

    report, content = training.export(qat, tmp_path)
    kinds = {op.split(" ")[0] for op in report.facts.float_ops}
    if name not in MIXED_INSIDE:
        assert kinds == FLOAT_INSIDE.get(name, set())
    assert report.calibration_samples == 0
    for equal, close in training.agreement(qat, content, data):
        assert close >= 0.98 and equal >= ROUNDED.get(name, 0.96), (equal, close)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.generate],
)
@given(data=st.data())
def test_random_networks(data, tmp_path_factory):
    @st.composite
    def models(draw):
        return Drawn(draw, keras).model()

    model, samples = data.draw(models()), small_networks.noise(8, 8, 3)
    qat = tflq.quantize(model)
    training.fit(qat, samples, rate=1e-6)
    _, content = training.export(qat, tmp_path_factory.mktemp("drawn"))
    for _, close in training.agreement(qat, content, samples):
        assert close >= 0.98, close
