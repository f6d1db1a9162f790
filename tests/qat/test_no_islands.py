"""What a plain export makes integer, an export after training makes integer too."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from small_networks import noise, shake
from training import agreement, export, fit, outputs

import tflq
from tflq.qat._phase import quantization

IMAGE, ROWS = noise(8, 8, 3), noise(6, 5)


def _conv(activation):
    def build():
        given = keras.Input((8, 8, 3), name="given")
        x = layers.Conv2D(4, 3, activation=activation())(given)
        return keras.Model(given, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))

    return build, IMAGE


def _alpha(**options):
    return layers.PReLU(alpha_initializer=keras.initializers.Constant(0.2), **options)


def _shared_activation():
    act = _alpha(shared_axes=[1, 2])
    given = keras.Input((8, 8, 3), name="given")
    x = layers.DepthwiseConv2D(3, activation=act)(layers.Conv2D(4, 1, activation=act)(given))
    return keras.Model(given, layers.Dense(3, activation=layers.Softmax())(x))


def _with_lora(layer, *, alpha=None):
    def build():
        given = keras.Input((6, 5), name="given")
        x = layer()(given)
        model = keras.Model(given, layers.Dense(3)(layers.Flatten()(x)))
        model.layers[1].enable_lora(2, lora_alpha=alpha)
        a, b = model.layers[1].lora_kernel_a, model.layers[1].lora_kernel_b
        for part in (a, b):
            part.assign(np.random.default_rng(0).normal(0, 0.4, part.shape))
        return model

    return build, ROWS


class Block(layers.Layer):
    """Layers and sums of them; some of it in training only, if it is noisy."""

    def __init__(self, units, noisy=False, **options):
        super().__init__(**options)
        self.units, self.noisy = units, noisy
        self.first = layers.Dense(units, activation="relu", name="first")
        self.drop = layers.Dropout(0.5)
        self.second = layers.Dense(units, name="second")

    def build(self, shape):
        self.first.build(shape)
        self.second.build((*shape[:-1], self.units))

    def call(self, x, training=None):
        y = self.second(self.drop(self.first(x), training=training))
        if self.noisy and training:
            y = y + keras.random.normal(keras.ops.shape(y))
        return x + y

    def get_config(self):
        return super().get_config() | {"units": self.units, "noisy": self.noisy}


class Scaled(Block):
    """With a weight of its own."""

    def build(self, shape):
        super().build(shape)
        self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="ones")

    def call(self, x, training=None):
        return super().call(x, training) * self.scale


class Raw(Block):
    """Calls TensorFlow, which takes no symbols of Keras."""

    def call(self, x, training=None):
        return tf.nn.elu(super().call(x, training))


tflq.register_layer(Block)


def _blocks():
    block = Block(5, name="block")
    given = keras.Input((6, 5), name="given")
    return keras.Model(given, layers.Dense(3)(block(block(given))))


NETWORKS = {
    "LeakyReLU": _conv(lambda: layers.LeakyReLU(negative_slope=0.1)),
    "PReLU": _conv(lambda: _alpha(shared_axes=[1, 2])),
    "ReLU6": _conv(lambda: layers.ReLU(6.0)),
    "ELU": _conv(layers.ELU),
    "shared PReLU": (_shared_activation, IMAGE),
    "LoRA": _with_lora(lambda: layers.Dense(4, activation="relu")),
    "LoRA with alpha": _with_lora(lambda: layers.Dense(4), alpha=6),
    "LoRA of a convolution": _with_lora(lambda: layers.Conv1D(4, 3), alpha=1),
    "LoRA of EinsumDense": _with_lora(
        lambda: layers.EinsumDense("abc,cd->abd", (6, 4), bias_axes="d")
    ),
    "registered": (_blocks, ROWS),
}


def _built(name):
    keras.utils.set_random_seed(0)
    build, data = NETWORKS[name]
    return shake(build()), data


@pytest.mark.parametrize("name", NETWORKS)
def test_no_op_is_float_that_a_plain_export_makes_integer(name, tmp_path):
    model, data = _built(name)
    plain = tflq.export(model, tmp_path / "plain.tflite", data=data)
    qat = tflq.quantize(model, data=data)
    with quantization(qat, on=False):
        np.testing.assert_allclose(outputs(qat, data)[0], outputs(model, data)[0], atol=1e-5)
    qat.save(tmp_path / "qat.keras")
    loaded = keras.models.load_model(tmp_path / "qat.keras")
    np.testing.assert_allclose(outputs(loaded, data)[0], outputs(qat, data)[0], atol=1e-5)
    report, content = export(loaded, tmp_path)
    kinds = [{op.split()[0] for op in facts.float_ops} for facts in (report.facts, plain.facts)]
    assert kinds[0] <= kinds[1]
    for _, close in agreement(loaded, content, data):
        assert close >= 0.95


def test_only_the_update_is_trained():
    model, data = _built("LoRA")
    qat = tflq.quantize(model, data=data)
    before = {v.path: np.array(v) for v in qat.variables}
    fit(qat, data, rate=0.1)
    moved = {v.name for v in qat.trainable_variables if (before[v.path] != np.asarray(v)).any()}
    assert {"lora_kernel_a", "lora_kernel_b"} <= moved
    (kernel,) = [v for v in qat.variables if v.name == "kernel" and v.shape == (5, 4)]
    np.testing.assert_array_equal(kernel, before[kernel.path])


@pytest.mark.parametrize("skipped", ["conv*", "*leaky*"])
def test_an_activation_stays_float_with_its_layer(skipped, tmp_path):
    model, data = _built("LeakyReLU")
    qat = tflq.quantize(model, data=data, skip=[skipped])
    report, _ = export(qat, tmp_path)
    assert any(op.startswith("LEAKY_RELU") for op in report.facts.float_ops)


def test_a_registered_layer_is_skipped_as_one(tmp_path):
    model, data = _built("registered")
    report, _ = export(tflq.quantize(model, data=data, skip=["block"]), tmp_path)
    assert sum(op.startswith("FULLY_CONNECTED") for op in report.facts.float_ops) == 4


WHOLE = {
    "other in training": lambda: Block(5, noisy=True),
    "own weight": lambda: Scaled(5),
    "TensorFlow's": lambda: Raw(5),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_registered_layer_that_does_more_stays_whole_and_is_named(name, tmp_path):
    keras.utils.set_random_seed(0)
    given = keras.Input((6, 5), name="given")
    layer = WHOLE[name]()
    model = keras.Model(given, layers.Dense(3)(layer(given)))
    qat = tflq.quantize(model, data=ROWS)
    assert any(isinstance(found, type(layer)) for found in qat.layers)
    with quantization(qat, on=False):
        np.testing.assert_allclose(outputs(qat, ROWS)[0], outputs(model, ROWS)[0], atol=1e-5)
    report, _ = export(qat, tmp_path)
    text = " ".join(str(report).split())
    assert report.facts.float_ops and "op(s) in float32" in text
    assert "everywhere" not in text
    for op in report.facts.float_ops:
        assert "".join(op.split()) in "".join(text.split())


def test_what_only_observes_yet_is_exported_with_the_ranges_it_observed(tmp_path):
    model, data = _built("LeakyReLU")
    qat = tflq.quantize(model)
    schedule = tflq.QATSchedule(quantize_at=100, freeze_norms_at=100, freeze_ranges_at=100)
    saved = tmp_path / "1.keras"
    keep = keras.callbacks.ModelCheckpoint(saved, save_freq="epoch")
    fit(qat, data, callbacks=[schedule, keep])
    report, content = export(keras.models.load_model(saved), tmp_path)
    assert not report.facts.float_ops
    # By the end of training it quantizes.
    for _, close in agreement(qat, content, data):
        assert close >= 0.98
