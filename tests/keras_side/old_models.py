"""`.h5` files as Keras 2.0 to 2.15 wrote them, by hand: those versions no longer install.

Each is the same small network, of numbers that are given: a dense layer, the hard sigmoid of that
time, and a batch normalization.
"""

import json

import h5py
import numpy as np

KERNEL = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
BIAS = np.float32([0.1, -0.2, 0.3])
GAMMA, BETA = np.float32([1, 2, 3]), np.float32([0.5, 0, -0.5])
MEAN, VARIANCE = np.float32([0.4, 0.5, 0.6]), np.float32([1, 0.5, 2])
EPSILON = 1e-3


def expected(x):
    """What they all compute."""
    hidden = np.clip(0.2 * (x @ KERNEL + BIAS) + 0.5, 0, 1)
    return (hidden - MEAN) / np.sqrt(VARIANCE + EPSILON) * GAMMA + BETA


def _dense(initializer, **more):
    return {
        "name": "dense_1",
        "trainable": True,
        "units": 3,
        "activation": "hard_sigmoid",
        "use_bias": True,
        "kernel_initializer": initializer,
        "bias_initializer": {"class_name": "Zeros", "config": {}},
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
        **more,
    }


def _norm(**more):
    return {
        "name": "bn_1",
        "trainable": True,
        "axis": -1,
        "momentum": 0.99,
        "epsilon": EPSILON,
        "center": True,
        "scale": True,
        "beta_initializer": {"class_name": "Zeros", "config": {}},
        "gamma_initializer": {"class_name": "Ones", "config": {}},
        "moving_mean_initializer": {"class_name": "Zeros", "config": {}},
        "moving_variance_initializer": {"class_name": "Ones", "config": {}},
        "beta_regularizer": None,
        "gamma_regularizer": None,
        "beta_constraint": None,
        "gamma_constraint": None,
        **more,
    }


_SCALING = {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}
_VARIANCE_SCALING = {"class_name": "VarianceScaling", "config": _SCALING}
_GLOROT = {"class_name": "GlorotUniform", "config": {"seed": None}}
_SHAPE = {"batch_input_shape": [None, 4], "dtype": "float32"}


def _graph(class_name, layers, **more):
    """A functional model whose layers follow each other."""
    shape = {**_SHAPE, "sparse": False, "name": "input_1", **more}
    listed = [{"name": "input_1", "class_name": "InputLayer", "config": shape, "inbound_nodes": []}]
    for kind, config in layers:
        before = listed[-1]["name"]
        listed.append(
            {
                "name": config["name"],
                "class_name": kind,
                "config": config,
                "inbound_nodes": [[[before, 0, 0, {}]]],
            }
        )
    config = {
        "name": "model_1",
        "layers": listed,
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [[listed[-1]["name"], 0, 0]],
    }
    return {"class_name": class_name, "config": config}


def _keras_2_0():
    return {
        "class_name": "Sequential",
        "config": [
            {"class_name": "Dense", "config": _dense(_VARIANCE_SCALING, **_SHAPE)},
            {"class_name": "BatchNormalization", "config": _norm()},
        ],
    }


def _keras_2_2():
    layers = _keras_2_0()["config"]
    return {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": layers}}


def _keras_2_2_graph():
    layers = [("Dense", _dense(_VARIANCE_SCALING)), ("BatchNormalization", _norm())]
    return _graph("Model", layers)


def _tensorflow_1():
    layers = [
        ("Dense", _dense(_GLOROT, dtype="float32")),
        ("BatchNormalizationV1", _norm(dtype="float32", axis=[1])),
    ]
    return _graph("Model", layers, ragged=False)


def _tensorflow_2_0():
    layers = [
        ("Dense", _dense(_GLOROT, dtype="float32")),
        ("BatchNormalization", _norm(dtype="float32", axis=[1])),
    ]
    return _graph("Model", layers, ragged=False)


def _tensorflow_2_4():
    return {**_tensorflow_2_0(), "class_name": "Functional"}


def _with_modules(config):
    """As from 2.13 on: objects say where they come from, initializers too."""
    for layer in config["config"]["layers"]:
        layer |= {"module": "keras.layers", "registered_name": None}
        for key, value in layer["config"].items():
            if key.endswith("_initializer"):
                value |= {"module": "keras.initializers", "registered_name": None}
        if layer["class_name"] != "InputLayer":
            layer["build_config"] = {"input_shape": [None, 4]}
    return config


def _tensorflow_2_13():
    return _with_modules(json.loads(json.dumps(_tensorflow_2_4())))


OLD = {
    "2.0.8": _keras_2_0,
    "2.1.6": _keras_2_2,
    "2.2.4": _keras_2_2_graph,
    "2.3.1": _keras_2_2,
    "2.1.6-tf": _tensorflow_1,
    "2.2.4-tf": _tensorflow_2_0,
    "2.4.0": _tensorflow_2_4,
    "2.9.0": _tensorflow_2_4,
    "2.12.0": _tensorflow_2_4,
    "2.13.1": _tensorflow_2_13,
    "2.15.0": _tensorflow_2_13,
}


def write_old(path, version):
    """The file that a version wrote."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version.encode()
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(OLD[version]()).encode()
        # Nobody compiles it again, so that nobody needs these.
        loss = {"loss": "a_loss_of_mine", "optimizer_config": {"class_name": "Mine", "config": {}}}
        file.attrs["training_config"] = json.dumps(loss).encode()
        weights = file.create_group("model_weights")
        weights.attrs["backend"] = b"tensorflow"
        weights.attrs["keras_version"] = version.encode()
        weights.attrs["layer_names"] = [b"dense_1", b"bn_1"]
        arrays = {"kernel": KERNEL, "bias": BIAS}
        _write_layer(weights.create_group("dense_1"), "dense_1", arrays)
        arrays = {"gamma": GAMMA, "beta": BETA, "moving_mean": MEAN, "moving_variance": VARIANCE}
        _write_layer(weights.create_group("bn_1"), "bn_1", arrays)
    return path


def _write_layer(group, layer, arrays):
    group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in arrays]
    for name, value in arrays.items():
        group[f"{layer}/{name}:0"] = value
