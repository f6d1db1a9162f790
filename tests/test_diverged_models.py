"""Weights that are no numbers, and numbers that float32 does not hold: the layer is named."""

import keras
import numpy as np
import pytest
from keras import layers

import tflq
from tflq import UserError
from tflq._overflow import first_overflow
from tflq.keras_side import from_keras
from tflq.tflite_side import Graph, pack

DATA = np.random.default_rng(0).normal(size=(6, 6, 6, 3)).astype(np.float32)


def network(weight, value, *, module=keras):
    """A small network, one value of one weight of which is another."""
    module.utils.set_random_seed(0)
    given = module.Input((6, 6, 3), name="image")
    x = module.layers.Conv2D(4, 3, name="conv", use_bias=False)(given)
    x = module.layers.ReLU(name="relu")(module.layers.BatchNormalization(name="bn")(x))
    x = module.layers.Dense(5, name="head")(module.layers.Flatten()(x))
    model = module.Model(given, x, name="net")
    layer, name = weight.split("/")
    (found,) = [w for w in model.get_layer(layer).weights if w.name.split(":")[0].endswith(name)]
    values = found.numpy()
    values.flat[1] = value
    found.assign(values)
    return model


DOORS = {
    "export": lambda model, output: tflq.export(model, output, data=DATA),
    "rewrite": lambda model, output: tflq.export(model, output, data=DATA, recipe="best"),
    "data-free": lambda model, output: tflq.export(model, output, recipe="data-free"),
    "dynamic": lambda model, output: tflq.export(model, output, scheme="dynamic"),
    "fold": lambda model, output: tflq.fold(model),
    "quantize": lambda model, output: tflq.quantize(model),
    "compare": lambda model, output: tflq.compare(model, model, DATA),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("weight", "value"),
    [("conv/kernel", np.inf), ("bn/moving_variance", np.nan), ("head/bias", -np.inf)],
)
def test_a_weight_that_is_no_number_is_named_at_every_door(door, weight, value, tmp_path):
    output = tmp_path / "model.tflite"
    message = rf"weight '{weight}' of Keras model 'net' holds NaN or infinity \({value:g} in 1 of"
    with pytest.raises(UserError, match=message):
        DOORS[door](network(weight, value), output)
    assert not output.exists()


def test_in_a_file_and_in_tf_keras(tmp_path):
    import tf_keras

    network("bn/gamma", np.inf).save(tmp_path / "model.keras")
    output = tmp_path / "model.tflite"
    with pytest.raises(UserError, match=r"weight 'bn/gamma' of model file '.*model\.keras'"):
        tflq.export(tmp_path / "model.keras", output, data=DATA)
    with pytest.raises(UserError, match=r"weight 'bn/beta' of Keras model 'net'"):
        tflq.export(network("bn/beta", np.nan, module=tf_keras), output, data=DATA)


def test_masks_of_minus_infinity_are_no_mistake(tmp_path):
    class Masked(layers.Layer):
        def build(self, shape):
            self.mask = self.add_weight(shape=shape[1:], initializer="zeros", trainable=False)

        def call(self, x):
            return keras.ops.softmax(x + self.mask)

    given = keras.Input((4,))
    model = keras.Model(given, Masked()(layers.ReLU()(given)))
    mask = model.layers[-1].mask
    mask.assign([0, 0, -np.inf, 0])
    report = tflq.export(model, tmp_path / "model.tflite", data=np.eye(4, dtype=np.float32))
    assert report.outputs[0].samples


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_weight_of_a_tflite_is_named_in_its_own_names(value, tmp_path):
    path, output = tmp_path / "wrong.tflite", tmp_path / "out.tflite"
    graph = Graph.from_bytes(from_keras(network("conv/kernel", 1.0)).tflite)
    (op,) = [op for op in graph.ops if op.kind == "CONV_2D"]
    place = graph.model.subgraphs[0].tensors[op.inputs[1]].buffer
    weights = graph.constant(op.inputs[1]).copy()
    weights.flat[1] = value
    graph.model.buffers[place].data = np.frombuffer(weights.tobytes(), np.uint8)
    path.write_bytes(pack(graph.model))
    for run in (
        lambda: tflq.export(path, output, data=DATA),
        lambda: tflq.export(path, output, scheme="dynamic"),
        lambda: tflq.compare(path, path, DATA),
    ):
        with pytest.raises(UserError, match=r"weight 'net.*conv.*' of model file .* holds NaN or"):
            run()


@pytest.mark.parametrize(
    ("weight", "value", "choices", "message"),
    [
        ("conv/kernel", 3e38, {"data": 100 * DATA}, "(activation|layer) 'relu'"),
        ("head/kernel", 3e38, {"data": 100 * DATA}, "activation 'head' of sample . is not finite"),
        ("bn/gamma", 1e38, {"recipe": "data-free"}, "activation 'relu' .* wider than float32"),
    ],
)
def test_where_numbers_grow_too_large(weight, value, choices, message, tmp_path):
    # TensorFlow's quantizer ended in a segmentation fault at the last of them.
    with pytest.raises(UserError, match=message):
        tflq.export(network(weight, value), tmp_path / "model.tflite", **choices)


def test_bounds_of_infinity_are_no_mistake_in_comparing():
    given = keras.Input((4,))
    model = keras.Model(given, keras.ops.where(given > 0, given, np.float32(-np.inf)))
    compared = tflq.compare(model, model, np.ones((2, 4), np.float32))
    assert compared.outputs[0].largest_error == 0


def test_the_first_op_that_overflows_is_found():
    sample = {"image": 100 * DATA[:1]}
    found = first_overflow(from_keras(network("conv/kernel", 3e38)), sample)
    assert found.startswith("CONV_2D of layer 'relu', tensor 'net")
    healthy = from_keras(network("conv/kernel", 1.0))
    assert first_overflow(healthy, sample) is None
    assert first_overflow(healthy, {"image": np.nan * DATA[:1]}) is None


@pytest.mark.parametrize("weight", ["kernel", "bias"])
def test_after_training_for_the_file(weight, tmp_path):
    given = keras.Input((4,), name="given")
    qat = tflq.quantize(keras.Model(given, layers.Dense(3, name="head")(given)), data=np.eye(4))
    (found,) = [w for w in qat.weights if w.path.endswith(f"/{weight}")]
    found.assign(np.full(found.shape, np.nan))
    with pytest.raises(UserError, match=rf"weight '.*{weight}' .* holds NaN or infinity"):
        tflq.export(qat, tmp_path / "model.tflite")


def test_ranges_to_start_training_from():
    with pytest.raises(UserError, match=r"activation '\w+' of sample 0 is not finite"):
        tflq.quantize(network("conv/kernel", 3e38), data=100 * DATA)
