import keras
import networks
import numpy as np
import pytest
import tf_keras
from keras import layers
from rewriting import difference

import tflq
from tflq import UserError


def test_folds_everything_and_reports_the_difference():
    model, data = networks.small_cnn()
    folded = tflq.fold(model)
    assert folded.folding.folded == ("stem_bn", "dw_bn")
    assert folded.folding.left == {}
    assert 0 <= folded.folding.difference < 1e-5
    assert difference(model, folded, data) < 1e-5
    assert not any(isinstance(layer, layers.BatchNormalization) for layer in folded.layers)
    assert folded.name == model.name and folded.input_shape == model.input_shape


def test_says_why_a_normalization_was_left():
    image = keras.Input((8, 8, 3))
    x = layers.BatchNormalization(name="first")(image)
    model = keras.Model(image, layers.Conv2D(4, 3, padding="same")(x))
    model.get_layer("first").beta.assign([1.0, 2.0, 3.0])
    folded = tflq.fold(model)
    assert folded.folding.folded == ()
    assert "pads with zeros" in folded.folding.left["first"]


def test_a_folded_model_saves_loads_and_trains(tmp_path):
    model, data = networks.small_cnn()
    folded = tflq.fold(model)
    folded.save(tmp_path / "folded.keras")
    loaded = keras.saving.load_model(tmp_path / "folded.keras")
    assert difference(folded, loaded, data) == 0
    loaded.compile("sgd", "sparse_categorical_crossentropy")
    loaded.fit(data, np.zeros(len(data)), verbose=0)
    assert difference(folded, loaded, data) > 0


@pytest.mark.parametrize("make", [networks.two_by_two, networks.transformer, networks.nested])
def test_takes_whatever_inputs_and_outputs_a_model_has(make):
    model, data = make()
    folded = tflq.fold(model)
    assert folded.folding.difference < 1e-5
    assert difference(model, folded, data) < 1e-5


def test_takes_tf_keras():
    model = tf_keras.Sequential(
        [
            tf_keras.Input((8, 8, 3)),
            tf_keras.layers.Conv2D(4, 3),
            tf_keras.layers.BatchNormalization(name="bn"),
        ]
    )
    folded = tflq.fold(model)
    assert isinstance(folded, tf_keras.Model) and folded.folding.folded == ("bn",)


@pytest.mark.parametrize("model", ["model.tflite", None, keras.layers.Dense(3)])
def test_refuses_what_is_no_model(model):
    with pytest.raises(UserError, match="fold takes a functional or Sequential Keras model"):
        tflq.fold(model)


def test_refuses_subclassed_models():
    with pytest.raises(UserError, match="needs a functional or Sequential Keras model"):
        tflq.fold(networks.subclassed()[0])
