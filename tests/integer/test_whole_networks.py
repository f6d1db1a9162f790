"""Whole networks: every code of every output is the runtime's."""

import builders
import keras
import networks
import numpy as np
import ops
import pytest
import tensorflow as tf
from keras import layers

import tflq
from tflq.integer import integer_simulation, simulate, simulation_of
from tflq.integer._conversion import decoded
from tflq.tflite_side import Runner


def _codes(content, data):
    runner = Runner(content, threads=1)
    feeds = data if isinstance(data, dict) else {runner.inputs[0].name: data}
    count = len(next(iter(feeds.values())))
    rows = [runner.codes({name: x[i : i + 1] for name, x in feeds.items()}) for i in range(count)]
    return [np.concatenate(output) for output in zip(*rows, strict=True)]


def _same(content, data):
    for made, want in zip(simulate(content, data), _codes(content, data), strict=True):
        assert made.dtype == want.dtype
        np.testing.assert_array_equal(made, want)


LOOPS = ("loop_lstm", "loop_gru")


@pytest.mark.parametrize("name", [name for name in networks.ODD if name not in LOOPS])
def test_odd_networks(name, tmp_path):
    model, data = networks.ODD[name]()
    content = ops.exported(model, data, tmp_path)
    _same(content, data)
    assert integer_simulation(content).exact


@pytest.mark.parametrize("name", ["MobileNetV2", "MobileNetV3Small"])
def test_keras_applications(name, tmp_path):
    model, data = networks.application(name)
    content = ops.exported(model, data, tmp_path)
    _same(content, data)
    assert integer_simulation(content).exact


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_other_doors(io, tmp_path):
    model, data = networks.small_cnn()
    _same(ops.exported(model, data, tmp_path, io=io), data)


@pytest.mark.parametrize("scheme", ["w8a8-per-tensor", "w4a8", "w4a8-per-tensor"])
def test_other_schemes(scheme, tmp_path):
    model, data = networks.small_cnn()
    content = ops.exported(model, data, tmp_path, scheme=scheme)
    _same(content, data)
    assert integer_simulation(content).exact


def test_sixteen_bits_are_approximated(tmp_path):
    model, data = networks.small_cnn()
    content = ops.exported(model, data, tmp_path, scheme="w8a16")
    model = integer_simulation(content)
    assert not model.exact
    assert "CONV_2D" in model.approximate
    made, want = simulate(content, data)[0], _codes(content, data)[0]
    assert made.dtype == np.int16
    assert np.abs(made.astype(int) - want).max() <= 8


def test_float_layers_inside_an_integer_file(tmp_path):
    model, data = networks.small_cnn()
    content = ops.exported(model, data, tmp_path, scheme_for={"dw": "float32", "logits": "float32"})
    simulated = integer_simulation(content)
    assert "DEPTHWISE_CONV_2D" in simulated.approximate
    assert "QUANTIZE" not in simulated.approximate
    made, want = simulate(content, data)[0], _codes(content, data)[0]
    # A float may lie on either side of a rounding border.
    assert np.abs(made.astype(int) - want).max() <= 1


def _activations(x):
    for activation in ("elu", "gelu", "hard_swish", "tanh", "leaky_relu", "relu6", "silu"):
        x = layers.Conv2D(6, 1)(x)
        x = layers.Activation(activation)(x)
    return layers.PReLU(shared_axes=(1, 2))(layers.Conv2D(6, 1)(x))


def _grouped(x):
    x = layers.Conv2D(6, 3, groups=3, activation="relu")(x)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same")(x)
    return layers.AveragePooling2D(3, 1, padding="same")(x)


def _dilated(x):
    return layers.Conv2D(4, 3, dilation_rate=2, padding="same", activation="relu")(x)


def _scaled(x):
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Dense(3, activation="sigmoid")(gate)
    x = layers.Multiply()([x, gate])
    x = layers.Subtract()([x, layers.Conv2D(3, 1)(x)])
    x = layers.Maximum()([x, layers.Conv2D(3, 3, padding="same")(x)])
    return layers.UpSampling2D(2, interpolation="nearest")(layers.Average()([x, gate]))


@pytest.mark.parametrize("block", [_activations, _grouped, _dilated, _scaled])
def test_blocks(block, tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3), name="image")
    x = block(image)
    model = keras.Model(image, layers.Dense(5)(layers.Flatten()(x)))
    content = ops.exported(model, networks.noise(12, 12, 3), tmp_path)
    _same(content, networks.noise(12, 12, 3, seed=1))


def test_axes_that_bake_the_batch_in():
    def function(x):
        y = tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]])
        y = tf.batch_to_space(y, [2, 2], [[1, 1], [0, 0]])
        y = tf.transpose(tf.reshape(y, (6, 1, 32)), (1, 2, 0))
        return tf.matmul(tf.reshape(y, (32, 6)), builders.weights(6, 3))

    shape = (1, 8, 8, 4)
    content = builders.tflite(function, shape)
    data = [{"x0": builders.weights(*shape, seed=s)} for s in range(3)]
    quantized, _, _ = builders.quantize_file(content, data)
    _same(quantized.content, np.concatenate([sample["x0"] for sample in data]))


def test_a_keras_model_gives_the_files_numbers(integer_file, small_cnn):
    _, data = small_cnn
    content = integer_file.read_bytes()
    model = integer_simulation(integer_file)
    assert model.exact
    assert model.approximate == {}
    runner = Runner(content, threads=1)
    want = np.concatenate([runner.run({"image": x[None]})[0] for x in data])
    np.testing.assert_array_equal(model.predict(data, batch_size=5, verbose=0), want)
    labels = want.argmax(1)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    assert model.evaluate(data, labels, verbose=0)[1] == 1.0


@pytest.mark.parametrize("jit", [False, True])
def test_graphs_that_tensorflow_rewrites(jit, tmp_path):
    model, data = networks.unet()
    content = ops.exported(model, data, tmp_path)
    (codes,) = simulate(content, data)
    simulated = integer_simulation(content)
    simulated.compile(jit_compile=jit)
    made = simulated.predict(data, batch_size=4, verbose=0)
    (place,) = simulated._program.outputs
    np.testing.assert_array_equal(made, decoded(codes, place.codes))


def test_models_of_several_inputs_and_outputs(tmp_path):
    model, data = networks.two_by_two()
    content = ops.exported(model, data, tmp_path)
    simulated = simulation_of(content, "two/by/two")
    assert simulated.name == "two_by_two"
    kind, age = simulated.predict(data, verbose=0)
    assert kind.shape == (12, 3)
    assert age.shape == (12, 1)


def test_codes_of_every_tensor(integer_file, small_cnn):
    _, data = small_cnn
    codes = integer_simulation(integer_file).codes(data)
    assert len(codes) == 8
    outputs = simulate(integer_file, data)[0]
    assert any(np.array_equal(value, outputs) for value in codes.values())
    assert all(value.dtype == np.int8 for value in codes.values())


def test_codes_as_input(integer_file, small_cnn):
    _, data = small_cnn
    (detail,) = Runner(integer_file.read_bytes())._details
    scale, zero = detail["quantization"]
    codes = np.clip(np.round(data / np.float32(scale)) + zero, -128, 127).astype(np.int8)
    np.testing.assert_array_equal(simulate(integer_file, codes)[0], simulate(integer_file, data)[0])


@pytest.mark.parametrize("jit", [False, True])
def test_pixels_on_halves_are_rounded_alike_in_compiled_graphs(jit, tmp_path):
    # 0..255 over -1..1 lies between codes, every one of them.
    pixels = (np.arange(256, dtype=np.float32).reshape(16, 16) - np.float32(127.5)) / 127.5
    model = keras.Sequential([keras.Input((16,)), layers.Dense(16, kernel_initializer="identity")])
    tflq.export(model, tmp_path / "it.tflite", data=pixels, verify_data=pixels, calibrator="minmax")
    integers = integer_simulation(tmp_path / "it.tflite")
    run = tf.function(lambda x: integers(x, training=False), jit_compile=jit)
    runner = Runner((tmp_path / "it.tflite").read_bytes())
    came = [runner.run({runner.inputs[0].name: row[None]})[0] for row in pixels]
    np.testing.assert_array_equal(run(tf.constant(pixels)), np.concatenate(came))
