"""What TensorFlow Model Optimization's quantize_model takes, and what its users asked of it.

Its own test models (dense MNIST, convolutional MNIST, two branches, residual blocks) are built with
Keras 3; numbers are those of its issues on GitHub.
"""

import keras
import networks
import numpy as np
import pytest
import small_networks
import tf_keras
from keras import layers, ops
from training import agreement, export, fit, quantizers

import tflq
from tflq._errors import UserError


def _trained(model, folder, *, data=None, **options):
    """Quantizes, trains and exports; the file must compute what the simulation does."""
    data = small_networks.data_for(model) if data is None else data
    qat = tflq.quantize(small_networks.shake(model), **options)
    fit(qat, data)
    report, content = export(qat, folder)
    found = agreement(qat, content, data)
    assert found and all(close >= 0.98 for _, close in found), found
    return qat, report


def _image(body, shape=(8, 8, 3)):
    keras.utils.set_random_seed(0)
    given = keras.Input(shape, name="given")
    return keras.Model(given, body(given))


def _dense_mnist():
    return keras.Sequential(
        [
            keras.Input((8, 8)),
            layers.Flatten(),
            layers.Dense(12, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _convolutional_mnist():
    def body(x):
        x = layers.Conv2D(6, 5, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(layers.MaxPooling2D(padding="same")(x))
        x = layers.MaxPooling2D(padding="same")(layers.Conv2D(8, 5, padding="same")(x))
        x = layers.Dense(12, activation="relu")(layers.Flatten()(x))
        return layers.Dense(10, activation="softmax")(layers.Dropout(0.4)(x))

    return _image(body, (8, 8, 1))


def _conv_bn_relu(kind, activation, bias):
    def body(x):
        made = {
            "conv": layers.Conv2D(4, 3, use_bias=bias),
            "depthwise": layers.DepthwiseConv2D(3, use_bias=bias),
            "separable": layers.SeparableConv2D(4, 3, use_bias=bias),
            "dense": layers.Dense(4, use_bias=bias),
            "transposed": layers.Conv2DTranspose(4, 3, use_bias=bias),
        }[kind](x)
        x = layers.BatchNormalization()(made)
        return layers.ReLU(6.0)(x) if activation == "relu6" else layers.Activation("relu")(x)

    return _image(body)


def _branches():
    def body(x):
        a = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        b = layers.Conv2D(4, 1)(x)
        x = layers.Concatenate()([layers.ReLU()(layers.Add()([a, b])), b])
        return layers.Dense(3)(layers.Flatten()(layers.AveragePooling2D(4)(x)))

    return _image(body)


def _separable_1d():
    return _image(
        lambda x: layers.Dense(2)(layers.Flatten()(layers.SeparableConv1D(4, 3)(x))), (8, 3)
    )


OWN_MODELS = {
    "dense mnist": _dense_mnist,
    "convolutional mnist": _convolutional_mnist,
    "branches": _branches,
    "separable 1D": _separable_1d,
    **{
        f"{kind} {activation} bias={bias}": lambda k=kind, a=activation, b=bias: _conv_bn_relu(
            k, a, b
        )
        for kind in ("conv", "depthwise", "separable", "dense", "transposed")
        for activation, bias in (("relu", True), ("relu6", False))
    },
}


@pytest.mark.parametrize("name", OWN_MODELS)
def test_its_own_test_models(name, tmp_path):
    _, report = _trained(OWN_MODELS[name](), tmp_path)
    assert report.facts.float_ops == ()


def test_models_inside_models(tmp_path):
    """#372 and #957: a backbone as a layer of another model was refused outright."""
    inner = small_networks.LAYERS["residual"]()

    def body(x):
        middle = keras.Sequential(
            [keras.Input((8, 8, 3)), layers.Conv2D(3, 1), inner], name="middle"
        )
        return layers.Dense(2)(layers.GlobalAveragePooling2D()(middle(x)))

    _, report = _trained(_image(body), tmp_path)
    assert report.facts.float_ops == ()


def test_products_of_squeeze_and_excitation(tmp_path):
    """#419 and #733: a Multiply layer, and operations in its stead, had no quantizer."""

    def body(x):
        x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        s = ops.mean(x, axis=(1, 2), keepdims=True)
        s = layers.Conv2D(4, 1)(layers.Conv2D(2, 1, activation="relu")(s))
        x = layers.Multiply()([x, layers.Activation("hard_sigmoid")(s)])
        return layers.Conv2D(2, 1)(x * ops.sigmoid(s))

    _, report = _trained(_image(body), tmp_path)
    assert report.facts.float_ops == ()


def _scaled(x):
    return ops.relu(0.5 * x - 0.1)


def test_lambda_layers(tmp_path):
    """#419: code of the user's own, in a Lambda."""
    keras.saving.register_keras_serializable(package="patterns")(_scaled)

    def body(x):
        x = layers.Lambda(_scaled)(layers.Conv2D(3, 3)(x))
        return layers.Dense(2)(layers.Flatten()(x))

    _, report = _trained(_image(body), tmp_path)
    assert report.facts.float_ops == ()


class Block(layers.Layer):
    """Layers inside a layer, with code between them."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.second = layers.Dense(5, name="d1"), layers.Dense(4, name="d2")

    def build(self, shape):
        self.first.build(shape)
        self.second.build((*shape[:-1], 5))

    def call(self, x):
        return self.second(ops.relu(self.first(x)))

    def compute_output_shape(self, shape):
        return (*shape[:-1], 4)


def test_layers_inside_layers(tmp_path, monkeypatch):
    """#638: layers composed of layers. Registered, their weights are quantized; else they are
    refused by name, or kept float."""
    from tflq.qat import _rules

    monkeypatch.setattr(_rules, "_REGISTERED", dict(_rules._REGISTERED))

    def body(x):
        return layers.Dense(2)(Block(name="block")(layers.Dense(6)(x)))

    with pytest.raises(UserError, match="'block' is a Block"):
        tflq.quantize(_image(body, (7,)))
    _, kept = _trained(_image(body, (7,)), tmp_path, skip="block")
    assert {op.split(" ")[0] for op in kept.facts.float_ops} == {"FULLY_CONNECTED"}
    tflq.register_layer(Block, weights={"kernel": -1})
    qat, _ = _trained(_image(body, (7,)), tmp_path)
    assert sorted(v.name for v, _, _ in qat.get_layer("block").quantized()) == ["kernel"] * 2


def test_preprocessing_inside_the_model(tmp_path):
    """#647: EfficientNet's Rescaling, though a layer of Keras, was refused."""

    def body(x):
        x = layers.Rescaling(1 / 255)(x)
        x = layers.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.1, 0.2, 0.3])(x)
        x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        return layers.Conv2D(3, 3, strides=2, use_bias=False, activation="silu")(x)

    pixels = np.random.default_rng(0).uniform(0, 255, (16, 8, 8, 3)).astype(np.float32)
    _, report = _trained(_image(body), tmp_path, data=pixels)
    assert report.facts.float_ops == ()


def test_normalizations_of_fused_branches(tmp_path):
    """#763 and #1089: a network in the manner of LiteHRNet, whose normalizations were not seen
    to follow convolutions."""

    def norm(x):
        return layers.BatchNormalization()(x)

    def body(x):
        fine = layers.ReLU()(norm(layers.Conv2D(4, 3, padding="same", use_bias=False)(x)))
        coarse = norm(layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False)(fine))
        coarse = norm(layers.Conv2D(4, 1, use_bias=False)(coarse))
        up = layers.UpSampling2D()(norm(layers.Conv2D(4, 1)(coarse)))
        x = layers.ReLU()(layers.Add()([fine, up]))
        x = norm(layers.Concatenate()([x, norm(fine)]))
        return layers.Conv2D(2, 1)(x)

    _, report = _trained(_image(body), tmp_path)
    assert report.facts.float_ops == ()


def test_outputs_that_are_slices(tmp_path):
    """#1139: one segmentation cut into several outputs."""

    def body(x):
        masks = layers.Conv2D(6, 3, padding="same")(layers.Conv2D(4, 3, activation="relu")(x))
        return [masks[..., 0:2], masks[..., 2:4], ops.squeeze(masks[..., 4:5], axis=-1)]

    qat, report = _trained(_image(body), tmp_path)
    assert report.facts.float_ops == () and len(quantizers(qat)) == 3


def test_models_of_sequential_and_functional_keras_3():
    """#1131, #1140, #1144: models of Keras 3 were taken for none."""
    for model in (
        _dense_mnist(),
        _branches(),
        keras.Sequential([keras.Input((8, 8)), _dense_mnist()]),
    ):
        qat = tflq.quantize(model)
        assert isinstance(qat, keras.Model) and len(quantizers(qat)) > 1


def test_split_transpose_and_concatenation(tmp_path):
    """#874 and TensorFlow's #60714: operations that only move values."""

    def body(x):
        a, b = ops.split(layers.Conv2D(4, 1)(x), 2, axis=-1)
        x = ops.concatenate([ops.transpose(b, (0, 2, 1, 3)), a], axis=-1)
        return layers.Conv2D(2, 1)(ops.reshape(x, (-1, 8, 8, 4)))

    qat, report = _trained(_image(body), tmp_path)
    assert report.facts.float_ops == () and len(quantizers(qat)) == 3


def test_what_tfmot_quantized_still_exports(tmp_path):
    import tensorflow_model_optimization as tfmot

    tf_keras.utils.set_random_seed(0)
    model = tf_keras.Sequential(
        [
            tf_keras.layers.Input((8, 8, 3)),
            tf_keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
            tf_keras.layers.Flatten(name="flat"),
            tf_keras.layers.Dense(3, name="last"),
        ]
    )
    trained = tfmot.quantization.keras.quantize_model(model)
    data = networks.noise(8, 8, 3)
    trained.compile("adam", "mse")
    trained.fit(data, np.ones((len(data), 3)), epochs=2, verbose=0)
    report = tflq.export(trained, tmp_path / "m.tflite")
    assert report.calibration_samples == 0 and report.facts.float_ops == ()
    (output,) = tflq.compare(trained, tmp_path / "m.tflite", data).outputs
    assert output.sqnr_db > 20
    with pytest.raises(UserError):
        tflq.quantize(trained)
