"""Evaluation of a trained model: the file's codes, all of them."""

import keras
import numpy as np
import pytest
from keras import layers
from keras.src.applications import inception_resnet_v2
from training import quantizers

import tflq
from tflq.tflite_side import Graph, Runner


def _image():
    return keras.Input((16, 16, 4), name="image")


def _convolutions():
    image = _image()
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.ReLU()(layers.DepthwiseConv2D(3, strides=2)(x))
    return keras.Model(image, layers.Conv2D(5, 1)(x))


def _sum_and_difference():
    image = _image()
    a, b = layers.Conv2D(6, 1)(image), layers.Conv2D(6, 3, padding="same")(image)
    x = layers.ReLU()(layers.Add()([a, b]))
    return keras.Model(image, layers.Subtract()([x, b]))


def _gates():
    image = _image()
    x = layers.Conv2D(6, 3, activation="silu")(image)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(6, 1, activation="sigmoid")(gate)
    return keras.Model(image, layers.Multiply()([x, gate]))


def _hard_swish():
    image = _image()
    x = layers.Conv2D(6, 3, activation="hard_silu")(image)
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def _upsampling():
    image = _image()
    x = layers.AveragePooling2D(2)(layers.Conv2D(6, 3, padding="same", activation="relu")(image))
    x = layers.UpSampling2D(interpolation="bilinear")(x)
    x = layers.Concatenate()([x, layers.Conv2D(2, 1)(image)])
    return keras.Model(image, layers.Conv2D(3, 1)(layers.MaxPooling2D()(x)))


def _rectifier_of_its_own():
    image = _image()
    x = layers.Conv2D(6, 3)(image)
    return keras.Model(image, layers.Concatenate()([layers.ReLU()(x), layers.Conv2D(2, 1)(x)]))


def _merged_rectifiers():
    image = _image()
    x = layers.Conv2D(6, 3)(image)
    return keras.Model(image, layers.Add()([layers.Conv2D(4, 1)(layers.ReLU()(x)) for _ in "ab"]))


def _constants():
    """Hard sigmoids by hand, as in MobileNetV3's gates, and constants below 0."""
    image = _image()
    x = layers.Conv2D(6, 3)(image)
    gate = layers.ReLU(6.0)(layers.GlobalAveragePooling2D(keepdims=True)(x) + 3.0) * (1 / 6)
    y = layers.Multiply()([x, gate])
    return keras.Model(image, -0.7 * (y + 2) + (-0.3))


def _scaling():
    image = _image()
    x = layers.Rescaling(0.3, offset=-0.1)(image)
    x = layers.Normalization(mean=[0.1, 0.2, -0.3, 0.0], variance=[1.0, 0.5, 2.0, 4.0])(x)
    x = layers.Average()([layers.Conv2D(4, 3, padding="same")(x), x])
    return keras.Model(image, inception_resnet_v2.CustomScaleLayer(0.17)([x, layers.ReLU()(x)]))


@pytest.mark.parametrize(
    "build",
    [
        _convolutions,
        _sum_and_difference,
        _gates,
        _hard_swish,
        _upsampling,
        _rectifier_of_its_own,
        _merged_rectifiers,
        _constants,
        _scaling,
    ],
)
@pytest.mark.parametrize("ranges", ["moving_average", "lsq"])
def test_predictions_are_the_files(build, ranges, tmp_path):
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(24, 16, 16, 4)).astype(np.float32)
    qat = tflq.quantize(build(), data=x[:8], ranges=ranges)
    qat.compile(keras.optimizers.SGD(1e-3), "mse")
    qat.fit(x, np.zeros((24, *qat.output_shape[1:])), batch_size=8, verbose=0)
    tflq.export(qat, tmp_path / "it.tflite")
    content = (tmp_path / "it.tflite").read_bytes()
    graph = Graph.from_bytes(content)
    runner = Runner(content)
    name = runner.inputs[0].name
    came = np.concatenate([runner.codes({name: row[None]})[0] for row in x])
    held = graph.tensors[graph.outputs[0]].quantization
    codes = np.rint(qat.predict(x, verbose=0) / held.scale[0]) + held.zero_point[0]
    assert len(np.unique(came)) > 20
    np.testing.assert_array_equal(codes, came)


def test_a_constant_is_added_as_the_file_rounds_halves(tmp_path):
    """Of every odd code half an output code is left over."""
    given = keras.Input((256,))
    qat = tflq.quantize(keras.Model(given, given + 0.25))
    for layer, step in zip(quantizers(qat), (1 / 256, 1 / 128), strict=True):
        layer.set_range(-128 * step, 127 * step)
    x = np.arange(-128, 128, dtype=np.float32)[None] / 256
    tflq.export(qat, tmp_path / "it.tflite")
    runner = Runner((tmp_path / "it.tflite").read_bytes())
    (came,) = runner.run({runner.inputs[0].name: x})
    np.testing.assert_array_equal(qat.predict(x, verbose=0), came)
