import gc

import keras
import networks
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from keras import layers

from tflq import UserError
from tflq._verify import conversion_error
from tflq.keras_side import from_keras, from_saved_model
from tflq.tflite_side import Runner


def _sample(model, seed=0):
    rng = np.random.default_rng(seed)
    return {
        spec.name: rng.normal(size=[n or 1 for n in spec.shape]).astype(spec.dtype)
        for spec in model.inputs
    }


def _equal(model):
    """The float file computes what the model does; returns the file's outputs."""
    sample = _sample(model)
    assert conversion_error(model, sample, fake_quantized=False) < 1e-5
    return Runner(model.tflite, inputs=model.inputs).run(sample)


def test_inputs_keep_the_models_names_and_order():
    model = from_keras(networks.two_by_two()[0])
    assert [spec.name for spec in model.inputs] == ["picture", "facts"]
    assert [spec.shape for spec in model.inputs] == [(1, 8, 8, 3), (1, 5)]
    assert model.outputs == ("kind", "age")
    kind, age = _equal(model)
    assert kind.shape == (1, 3) and age.shape == (1, 1)


def test_inputs_without_names_take_their_layers():
    image = keras.Input((4,))
    model = keras.Model(image, layers.Dense(2)(image))
    (spec,) = from_keras(model).inputs
    assert spec.name == model.layers[0].name


def test_inputs_and_outputs_in_dicts():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    outputs = {"z": layers.Dense(2, name="first")(a), "y": layers.Add(name="second")([a, b])}
    model = from_keras(keras.Model({"b": b, "a": a}, outputs))
    assert sorted(spec.name for spec in model.inputs) == ["a", "b"]
    shapes = {o.shape for o in _equal(model)}
    assert shapes == {(1, 2), (1, 3)}


def test_an_input_that_nobody_reads_is_kept_in_its_place():
    used, unused = keras.Input((3,), name="used"), keras.Input((2,), name="unused")
    try:
        network = keras.Model([unused, used], layers.Dense(2, name="out")(used))
    except ValueError:
        pytest.skip("this Keras builds no such model")
    model = from_keras(network)
    assert [spec.name for spec in model.inputs] == ["unused", "used"]
    _equal(model)


def test_an_output_that_is_an_input_or_given_twice():
    x = keras.Input((3,), name="x")
    y = layers.Dense(3, name="y")(x)
    model = from_keras(keras.Model(x, [y, x, y]))
    assert len(set(model.outputs)) == 3
    one, two, three = _equal(model)
    np.testing.assert_array_equal(one, three)
    np.testing.assert_array_equal(two, _sample(model)["x"])


@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_the_batch_is_what_was_asked(batch_size):
    model = from_keras(networks.small_cnn()[0], batch_size=batch_size)
    assert model.inputs[0].shape == (batch_size, 16, 16, 3)
    runner = Runner(model.tflite, inputs=model.inputs)
    rows = batch_size or 3
    data = networks.noise(16, 16, 3)[:rows]
    assert runner.run({"image": data})[0].shape == (rows, 10)


def test_a_batch_that_the_model_fixes_stays():
    x = keras.Input(batch_shape=(4, 3), name="x")
    model = from_keras(keras.Model(x, layers.Dense(2)(x)))
    assert model.inputs[0].shape == (4, 3)


def test_open_sizes_stay_open():
    x = keras.Input((None, None, 3), name="x")
    model = from_keras(keras.Model(x, layers.Conv2D(2, 3, padding="same")(x)))
    assert model.inputs[0].shape == (1, None, None, 3)
    runner = Runner(model.tflite, inputs=model.inputs)
    assert runner.run({"x": networks.noise(6, 9, 3)[:1]})[0].shape == (1, 6, 9, 2)


@pytest.mark.parametrize("name", ["subclassed", "nested", "shared_layer", "transformer"])
def test_odd_models_convert_exactly(name):
    model, data = networks.ODD[name]()
    made = from_keras(model, dtypes=data.dtype)
    sample = {made.inputs[0].name: data[:1]}
    assert conversion_error(made, sample, fake_quantized=False) < 1e-5


def test_sequential_models_convert():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(3), layers.ReLU()])
    assert _equal(from_keras(model))[0].shape == (1, 3)


def test_subclassed_models_with_dicts_and_keywords():
    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, values):
            return {"sum": self.dense(values["a"] + values["b"])}

    model = Pair()
    model({"a": np.zeros((1, 3), "float32"), "b": np.zeros((1, 3), "float32")})
    assert [s.name for s in from_keras(model).inputs] == ["a", "b"]
    _equal(from_keras(model))


def test_an_unbuilt_model_is_refused():
    with pytest.raises(UserError, match=r"has never been built.*call it on one batch first"):
        from_keras(networks.Subclassed())
    with pytest.raises(UserError, match="has never been built"):
        from_keras(keras.Sequential([layers.Dense(3)]))


def test_tf_keras_models_convert():
    model = tf_keras.Sequential(
        [
            tf_keras.layers.Input((8, 8, 3), name="image"),
            tf_keras.layers.Conv2D(4, 3, activation="relu", name="conv2d"),
            tf_keras.layers.Conv2D(4, 3, activation="relu", name="conv2d_1"),
            tf_keras.layers.GlobalAveragePooling2D(),
        ]
    )
    made = from_keras(model)
    assert made.inputs[0].name == "image"
    assert _equal(made)[0].shape == (1, 4)
    assert made.layer_of("conv2d_1") == "conv2d_1"


def test_a_saved_model_converts_by_its_signature(tmp_path):
    model, _ = networks.two_by_two()
    model.export(str(tmp_path / "saved"), verbose=False)
    made = from_saved_model(str(tmp_path / "saved"))
    assert {spec.name for spec in made.inputs} == {"picture", "facts"}
    # Keras saves the function under two names.
    assert made.signature == "serving_default"
    assert from_saved_model(str(tmp_path / "saved"), signature="serve").signature == "serve"
    gc.collect()
    _equal(made)


def test_a_saved_model_without_signature_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "bare"))
    with pytest.raises(UserError, match="has no signature; save it"):
        from_saved_model(str(tmp_path / "bare"))


def test_a_folder_that_is_no_saved_model_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be loaded"):
        from_saved_model(str(tmp_path))


def test_unsupported_ops_are_named():
    x = keras.Input((4, 4), name="x")
    model = keras.Model(x, layers.Lambda(tf.linalg.det, output_shape=())(x))
    with pytest.raises(UserError, match=r"cannot become a \.tflite: unsupported op.*Determinant"):
        from_keras(model)


def test_a_layer_that_needs_fixed_sizes_is_named():
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.UpSampling2D(interpolation="bilinear", name="enlarge")(image)
    with pytest.raises(UserError, match=r"open sizes \('image' .*layer 'enlarge' \(UpSampling2D\)"):
        from_keras(keras.Model(image, x))


def test_a_layer_whose_code_fails_in_a_graph_is_named():
    @keras.saving.register_keras_serializable(package="tests")
    class Picky(keras.layers.Layer):
        def call(self, x):
            return x if not tf.is_symbolic_tensor(x) and bool(tf.reduce_any(x > 0)) else 1 / 0

        def compute_output_shape(self, shape):
            return shape

    x = keras.Input((4,), name="x")
    with pytest.raises(UserError, match=r"layer 'picky' \(Picky\) fails: division by zero"):
        from_keras(keras.Model(x, Picky()(x)))
