import zipfile

import keras
import networks
import numpy as np
import pytest
import tf_keras
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from tflq import UserError
from tflq.keras_side import keras_kind, load_keras


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_saved_model_comes_back(tmp_path, suffix):
    model, data = networks.small_cnn()
    path = str(tmp_path / f"model{suffix}")
    model.save(path)
    np.testing.assert_array_equal(load_keras(path)(data).numpy(), model(data).numpy())


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_tf_keras_files_load(tmp_path, suffix):
    model = tf_keras.Sequential(
        [tf_keras.layers.Input((4,)), tf_keras.layers.Dense(3, activation="relu")]
    )
    path = str(tmp_path / f"model{suffix}")
    model.save(path)
    data = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(load_keras(path)(data), model(data), atol=1e-6)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_with_code_are_refused_unless_trusted(tmp_path, suffix):
    x = keras.Input((3,))
    model = keras.Model(x, layers.Lambda(lambda t: t * 2, output_shape=(3,))(x))
    path = str(tmp_path / f"code{suffix}")
    model.save(path)
    with pytest.raises(UserError, match=r"Lambda layer.*safe_mode=False"):
        load_keras(path)
    assert load_keras(path, safe_mode=False)(np.ones((1, 3), np.float32)).numpy().sum() == 6


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.keras' does not exist"):
        load_keras(str(tmp_path / "gone.keras"))


def test_weights_alone_are_refused(tmp_path):
    path = str(tmp_path / "only.weights.h5")
    networks.small_cnn()[0].save_weights(path)
    with pytest.raises(UserError, match=r"damaged or holds weights only.*model\.save"):
        load_keras(path)


def test_unknown_classes_are_explained(tmp_path):
    class Odd(layers.Layer):
        def call(self, x):
            return x

    x = keras.Input((3,))
    path = str(tmp_path / "odd.keras")
    keras.Model(x, Odd()(x)).save(path)
    with pytest.raises(UserError, match=r"cannot be loaded.*classes of your own"):
        load_keras(path)


@settings(max_examples=25, deadline=None)
@given(content=st.binary(max_size=400))
def test_random_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "model.keras"
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        load_keras(str(path))


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    networks.small_cnn()[0].save(path)
    content = path.read_bytes()
    for cut in (100, len(content) // 2, len(content) - 10):
        path.write_bytes(content[:cut])
        with pytest.raises(UserError):
            load_keras(str(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{not json")
    with pytest.raises(UserError):
        load_keras(str(path))


def test_kinds_are_told_apart():
    assert keras_kind(keras.Sequential()) == "keras"
    assert keras_kind(tf_keras.Sequential()) == "tf_keras"
    assert keras_kind(object()) is None and keras_kind("model.keras") is None
