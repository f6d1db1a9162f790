import keras
import numpy as np
import pytest
from keras import layers
from small_networks import LAYERS, data_for, noise
from training import fit, kernels, outputs, quantizer, quantizers, span

import tflq
from tflq._errors import UserError
from tflq._float_model import weights_digest
from tflq.qat import deploy
from tflq.qat._codes import codes_of

NAMES = (
    "BatchNormalization relu",
    "DepthwiseConv2D",
    "Conv2DTranspose",
    "MultiHeadAttention",
    "LSTM",
    "Embedding",
    "shared with its norm",
    "softmax beside convolution",
    "several",
)


def _trained(name, **options):
    model = LAYERS[name]()
    data = data_for(model)
    qat = tflq.quantize(model, **options)
    fit(qat, data)
    return qat, data


@pytest.mark.parametrize("name", NAMES)
def test_the_deployed_model_computes_what_was_trained(name):
    """Both round at other ties, so a value may be a code apart."""
    qat, data = _trained(name)
    made = deploy(qat)
    for want, came, plain in zip(
        *(outputs(m, data) for m in (qat, made.model, made.plain)), strict=True
    ):
        step = (want.max() - want.min()) / 255
        assert np.mean(np.abs(want - came) < 1.5 * step) > 0.98
        # The other clips nothing.
        assert np.corrcoef(plain.ravel(), came.ravel())[0, 1] > 0.97


def test_biases_are_rounded_to_the_scale_that_the_file_has():
    """That scale may differ in its last digit from (high - low) / 255."""
    given = keras.Input((4,))
    qat = tflq.quantize(keras.Model(given, layers.Dense(64)(given)))
    (dense,) = kernels(qat)
    rng = np.random.default_rng(0)
    dense.layer.bias.assign(rng.normal(size=64))
    for low, high in rng.uniform((-3, 0), (0, 3), (20, 2)):
        for layer in quantizers(qat):
            layer.set_range(low, high)
        scale, _ = codes_of(*quantizers(qat)[0].range(), bits=8)
        _, bias, _ = dense.folded(scale)
        (deployed,) = (np.asarray(v) for v in deploy(qat).model.weights if v.name == "bias")
        np.testing.assert_array_equal(deployed, bias)


@pytest.mark.parametrize("name", NAMES)
def test_trained_weights_are_known_by_their_values(name):
    qat, _ = _trained(name)
    made = deploy(qat)
    digests = {weights_digest(np.asarray(v)) for v in made.model.weights}
    assert made.training.weights and set(made.training.weights) <= digests
    for value in (np.asarray(v) for v in made.model.weights):
        held = made.training.weights.get(weights_digest(value))
        if held is not None:
            codes = np.abs(value).max() / held.bound.max() * (2 ** (held.bits - 1) - 1)
            assert codes <= 2 ** (held.bits - 1) - 1 + 1e-3


def test_nothing_of_tflq_is_left():
    qat, _ = _trained("BatchNormalization relu")
    kinds = {type(layer).__name__ for layer in deploy(qat).plain._flatten_layers()}
    assert not kinds & {"FakeQuant", "QuantizedKernel", "BatchNormalization", "ConstantFakeQuant"}


@pytest.mark.parametrize("scheme", ["w8a8", "w8a8-per-tensor", "w4a8", "w4a8-per-tensor", "w8a16"])
def test_the_scheme_is_found_again(scheme):
    keras.utils.set_random_seed(0)
    x = given = keras.Input((8, 8, 3))
    for _ in range(3):
        x = layers.Conv2D(3, 3, padding="same", activation="relu")(x)
    qat = tflq.quantize(keras.Model(given, x), scheme=scheme, data=noise(8, 8, 3))
    assert deploy(qat).training.scheme == scheme


def test_a_range_of_nothing_but_zero_is_exported(tmp_path):
    given = keras.Input((5,), name="given")
    x = layers.Dense(4, activation="relu", kernel_initializer="zeros", name="dead")(given)
    model = keras.Model(given, layers.Dense(2, name="last")(x))
    qat = tflq.quantize(model, data=noise(5), calibrator="minmax")
    assert span(quantizer(qat, "dead")) == (0, 0)
    tflq.export(qat, tmp_path / "m.tflite")
    assert (tmp_path / "m.tflite").exists()


def test_models_that_saw_nothing_are_refused(tmp_path):
    qat = tflq.quantize(LAYERS["Dense"]())
    with pytest.raises(UserError, match="no range yet; fit the model first") as caught:
        tflq.export(qat, tmp_path / "m.tflite")
    assert "given_quant" in str(caught.value) and not (tmp_path / "m.tflite").exists()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_broken_ranges_are_refused(bad, tmp_path):
    qat, _ = _trained("Dense")
    quantizers(qat)[1].high.assign([bad])
    with pytest.raises(UserError, match="diverged") as caught:
        tflq.export(qat, tmp_path / "m.tflite")
    assert quantizers(qat)[1].name in str(caught.value)


def test_what_undoes_the_training_is_refused(tmp_path):
    qat, _ = _trained("Dense")
    for options in (
        {"scheme": "w8a16"},
        {"equalize": True},
        {"rounding": "adaround", "data": noise(7)},
        {"scheme_for": {"dense": "float32"}},
    ):
        with pytest.raises(UserError, match="trained"):
            tflq.export(qat, tmp_path / "m.tflite", **options)
    tflq.export(qat, tmp_path / "m.tflite", scheme="w8a8")


def test_exporting_twice_gives_the_same_bytes(tmp_path):
    qat, _ = _trained("residual")
    for name in ("one", "two"):
        tflq.export(qat, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_saved_model_exports_as_the_one_in_memory(tmp_path):
    qat, _ = _trained("residual")
    qat.save(tmp_path / "qat.keras")
    tflq.export(qat, tmp_path / "memory")
    tflq.export(tmp_path / "qat.keras", tmp_path / "disk")
    assert (tmp_path / "memory").read_bytes() == (tmp_path / "disk").read_bytes()


def test_frozen_inside_or_not_the_file_is_the_same(tmp_path):
    """Exports fold moving statistics, whatever the phase."""
    qat, _ = _trained("BatchNormalization")
    tflq.export(qat, tmp_path / "one")
    for layer in qat.layers:
        if hasattr(layer, "frozen"):
            layer.frozen = True
    tflq.export(qat, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
