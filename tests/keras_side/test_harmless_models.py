"""What the guard against hostile files must let pass: files that real users have."""

import json
import zipfile

import h5py
import hostile_models
import keras
import networks
import numpy as np
import old_models
import pytest
import tensorflow as tf
import tf_keras
from keras.src.applications.convnext import LayerScale
from tf_keras.src.layers.rnn.cell_wrappers import ResidualWrapper

import tflq
from tflq.keras_side import keras_kind, load_keras

pytestmark = pytest.mark.filterwarnings("ignore:.*HDF5 file via")
SUFFIXES = pytest.mark.parametrize("suffix", [".keras", ".h5"])
X = np.linspace(-3, 3, 20, dtype=np.float32).reshape(5, 4)


def _same(model, path, data=X):
    """The file loads as a model of the same kind that computes the same; returns it."""
    loaded = load_keras(str(path))
    assert keras_kind(loaded) == keras_kind(model)
    for one, other in zip(tf.nest.flatten(loaded(data)), tf.nest.flatten(model(data)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    return loaded


def _saved(model, path):
    model.save(path)
    return path


@pytest.mark.parametrize("version", old_models.OLD)
def test_old_files_compute_what_they_did(version, tmp_path):
    model = load_keras(str(old_models.write_old(tmp_path / "old.h5", version)))
    assert keras_kind(model) == "tf_keras"
    np.testing.assert_allclose(model(X), old_models.expected(X), atol=1e-5)


def test_hdf5_under_the_name_that_keras_gave_it_until_2_12(tmp_path):
    path = old_models.write_old(tmp_path / "old.keras", "2.9.0")
    np.testing.assert_allclose(load_keras(str(path))(X), old_models.expected(X), atol=1e-5)


def test_wrapped_ops_of_tensorflow_2_0(tmp_path):
    node = tf.compat.v1.NodeDef(name="f", op="AddV2", input=["x", "y"])
    node.attr["T"].type = tf.float32.as_datatype_enum
    layer = {"node_def": node.SerializeToString().decode(), "constants": {"1": 2.5}}
    config = hostile_models.functional("TensorFlowOpLayer", layer, ["x", 0, 0, {}])
    config["config"]["layers"][1]["inbound_nodes"] = [[["x", 0, 0, {}]]]
    path = hostile_models.write_h5(tmp_path / "m.h5", config, version="2.2.4-tf")
    np.testing.assert_allclose(load_keras(str(path))(X)[1], X + 2.5)


def _ops_of_tensorflow():
    x = tf_keras.Input((4,))
    y = tf_keras.layers.Dense(3, activation=tf.nn.silu)(tf.nn.relu(x))
    y = tf.concat([y, 1 - y, y[:, :2] * 2], axis=-1)
    y = tf.reshape(y, (-1, 2, 4)) + tf.reduce_mean(x, axis=-1)[:, None, None]
    y = tf.transpose(tf.matmul(y, y, transpose_b=True), (0, 2, 1)) @ tf.abs(y)
    y = tf.where(y > 0, tf.sqrt(tf.abs(y)), tf.clip_by_value(-y, 0, 6))
    y = tf.image.resize(tf.expand_dims(y, -1), (4, 4))
    y = tf.nn.max_pool2d(y, 2, 2, "VALID")
    first, second = tf.split(tf.squeeze(y, -1), 2, axis=1)
    y = tf.stack([first, second, tf.cast(tf.shape(first)[0], tf.float32) + first], axis=1)
    return tf_keras.Model(x, tf.math.l2_normalize(tf.pad(y, [[0, 0], [0, 0], [1, 0], [0, 0]]), -1))


@SUFFIXES
def test_ops_of_tensorflow(suffix, tmp_path):
    model = _ops_of_tensorflow()
    kinds = {type(layer).__name__ for layer in model.layers}
    assert {"TFOpLambda", "SlicingOpLambda"} <= kinds
    _same(model, _saved(model, tmp_path / f"m{suffix}"))


@SUFFIXES
def test_backend_functions_and_losses_of_tf_keras(suffix, tmp_path):
    backend, x = tf_keras.backend, tf_keras.Input((4,))
    y = backend.relu(x, max_value=6.0) + backend.hard_sigmoid(x)
    y = backend.permute_dimensions(backend.expand_dims(backend.l2_normalize(y), 1), (0, 2, 1))
    model = tf_keras.Model(x, [y, tf_keras.losses.mse(x, backend.softmax(x))])
    _same(model, _saved(model, tmp_path / f"m{suffix}"))


@SUFFIXES
def test_parts_of_ragged_tensors(suffix, tmp_path):
    x = tf_keras.Input((None, 4), ragged=True)
    model = tf_keras.Model(x, x.to_tensor() if suffix == ".h5" else x.flat_values)
    _same(model, _saved(model, tmp_path / f"m{suffix}"), tf.RaggedTensor.from_tensor(X[None]))


def test_ops_of_keras(tmp_path):
    x = keras.Input((4,))
    y = keras.ops.concatenate([keras.ops.relu(x)[:, :2] + 1.0, keras.ops.softmax(x)], axis=1)
    y = keras.layers.Dense(2, activation=keras.activations.silu)(keras.ops.reshape(y, (-1, 6)))
    model = keras.Model(x, keras.layers.Dense(2, activation=keras.layers.LeakyReLU(0.1))(y))
    _same(model, _saved(model, tmp_path / "m.keras"))


@keras.saving.register_keras_serializable("tests_harmless")
class Mine(keras.layers.Layer):
    def call(self, x):
        return x * 3

    def compute_output_shape(self, shape):
        return shape


@keras.saving.register_keras_serializable("tests_harmless")
def twice(x):
    return x * 2


@tf_keras.saving.register_keras_serializable("tests_harmless")
class MineToo(tf_keras.layers.Layer):
    def call(self, x):
        return x * 3


@tf_keras.saving.register_keras_serializable("tests_harmless")
def twice_too(x):
    return x * 2


@SUFFIXES
@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_registered_layers_and_functions(package, suffix, tmp_path):
    layer, function = (Mine(), twice) if package is keras else (MineToo(), twice_too)
    if package is tf_keras and suffix == ".h5":
        # Which tf_keras does not read itself.
        function = "relu"
    x = package.Input((4,))
    y = layer(package.layers.Dense(3, activation=function)(x))
    model = package.Model(x, package.layers.Activation("relu")(y))
    _same(model, _saved(model, tmp_path / f"m{suffix}"))


@SUFFIXES
@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_layers_in_a_scope(package, suffix, tmp_path):
    class Own(package.layers.Layer):
        def call(self, x):
            return x * 3

        def compute_output_shape(self, shape):
            return shape

    x = package.Input((4,))
    model = package.Model(x, Own()(x))
    path = _saved(model, tmp_path / f"m{suffix}")
    with package.saving.custom_object_scope({"Own": Own}):
        _same(model, path)


@SUFFIXES
@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_models_compiled_with_what_is_not_registered(package, suffix, tmp_path):
    def loss(truth, guess):
        return truth - guess

    model = package.Sequential([package.Input((4,)), package.layers.Dense(2)])
    model.compile("sgd", loss, metrics=[loss])
    _same(model, _saved(model, tmp_path / f"m{suffix}"))


@SUFFIXES
@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_wrappers_and_nested_models(package, suffix, tmp_path):
    layers, x = package.layers, package.Input((3, 4))
    inner = package.Sequential([package.Input((4,)), layers.Dense(4, kernel_regularizer="l2")])
    y = layers.TimeDistributed(inner)(layers.TimeDistributed(layers.Dense(4))(x))
    y = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(y)
    cells = [layers.GRUCell(3), layers.SimpleRNNCell(2, bias_constraint="non_neg")]
    model = package.Model(x, layers.RNN(layers.StackedRNNCells(cells))(y))
    _same(model, _saved(model, tmp_path / f"m{suffix}"), np.stack([X[:3], X[1:4]]))


@SUFFIXES
def test_initializers_of_tensorflow(suffix, tmp_path):
    x = tf_keras.Input((4,))
    start = tf.constant_initializer(2.0), tf.random_normal_initializer()
    layer = tf_keras.layers.Dense(3, bias_initializer=start[0], kernel_initializer=start[1])
    model = tf_keras.Model(x, layer(x))
    _same(model, _saved(model, tmp_path / f"m{suffix}"))


def test_cell_wrappers_without_functions(tmp_path):
    x = tf_keras.Input((3, 4))
    cell = ResidualWrapper(tf_keras.layers.SimpleRNNCell(4))
    model = tf_keras.Model(x, tf_keras.layers.RNN(cell)(x))
    _same(model, _saved(model, tmp_path / "m.h5"), X[None, :3])


@SUFFIXES
@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_half_precision(package, suffix, tmp_path):
    x = package.Input((4,))
    model = package.Model(x, package.layers.Dense(3, dtype="mixed_float16")(x))
    _same(model, _saved(model, tmp_path / f"m{suffix}"))


@SUFFIXES
@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_vocabularies_in_the_file(package, suffix, tmp_path):
    x = package.Input((1,), dtype="string")
    ids = package.layers.StringLookup(vocabulary=["a", "b"])(x)
    model = package.Model(x, package.layers.Embedding(3, 2)(ids))
    if package is keras and suffix == ".h5":
        pytest.skip("Keras 3 reads no tables from .h5")
    _same(model, _saved(model, tmp_path / f"m{suffix}"), tf.constant([["b"], ["c"]]))


def test_vocabularies_beside_the_weights(tmp_path):
    lookup = keras.layers.StringLookup()
    lookup.adapt(["a", "b", "a"])
    x = keras.Input((1,), dtype="string")
    model = keras.Model(x, keras.layers.Embedding(3, 2)(lookup(x)))
    path = _saved(model, tmp_path / "m.keras")
    assert "assets/layers/string_lookup/vocabulary.txt" in " ".join(
        zipfile.ZipFile(path).namelist()
    ).replace("_1/", "/").replace("_2/", "/")
    _same(model, path, tf.constant([["b"], ["c"]]))


def test_layers_of_applications(tmp_path):
    x = keras.Input((4,))
    model = keras.Model(x, LayerScale(0.1, 4)(x))
    _same(model, _saved(model, tmp_path / "m.keras"))


def test_models_of_tflq(tmp_path):
    x = keras.Input((4,), name="x")
    model = tflq.quantize(keras.Model(x, keras.layers.Dense(3, activation="relu")(x)))
    _same(model, _saved(model, tmp_path / "m.keras"))


def test_models_of_tfmot(tmp_path):
    import tensorflow_model_optimization as tfmot

    x = tf_keras.Input((4,))
    plain = tf_keras.Model(x, tf_keras.layers.Dense(3, activation="relu")(x))
    model = tfmot.quantization.keras.quantize_model(plain)
    _same(model, _saved(model, tmp_path / "m.h5"))


@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_archives_that_were_packed_again(package, tmp_path):
    model = package.Sequential([package.Input((4,)), package.layers.Dense(2)])
    with zipfile.ZipFile(_saved(model, tmp_path / "m.keras")) as source:
        members = {name: source.read(name) for name in source.namelist()}
    path = tmp_path / "again.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in {**members, "README.md": b"mine", "assets/": b""}.items():
            target.writestr(name, content)
    _same(model, path)


def test_weights_that_were_packed_and_linked_inside(tmp_path):
    model = tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(2, name="d")])
    path = _saved(model, tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        group = file["model_weights/d/d"]
        kernel = group["kernel:0"][()]
        del group["kernel:0"]
        file.create_dataset("kernel", data=kernel, compression="gzip")
        group["kernel:0"] = h5py.SoftLink("/kernel")
    _same(model, path)


def test_a_large_network_stays_far_below_the_limits(tmp_path):
    network, _ = networks.small_cnn()
    path = _saved(network, tmp_path / "m.keras")
    config = json.loads(zipfile.ZipFile(path).read("config.json"))
    from tflq import _limits
    from tflq.keras_side._config_guard import nesting

    assert nesting(config) < _limits.KERAS_NESTING / 10
