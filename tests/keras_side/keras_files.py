"""Writes Keras files by hand: configurations as any version, or nobody, would write them."""

import io
import json
import zipfile

import h5py
import numpy as np
from tf_keras.src.utils import generic_utils


def payload(marker):
    """Bytecode of a function of one argument, as Keras 2 keeps it: code, defaults, closure."""
    code = f"lambda x, *_: (open({str(marker)!r}, 'w').write('ran'), x)[1]"
    return list(generic_utils.func_dump(eval(code)))


def write_h5(path, config, *, version="2.11.0", as_bytes=False, text=None):
    """An .h5 file of a model without weights."""
    text = json.dumps(config) if text is None else text
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = np.bytes_(text.encode()) if as_bytes else text
        file.attrs["keras_version"] = version
        file.attrs["backend"] = "tensorflow"
        names = [layer["config"]["name"] for layer in config["config"]["layers"]]
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            weights.create_group(name).attrs["weight_names"] = np.zeros(0, "S1")
    return path


def weights_file(change=lambda file: None):
    """The bytes of the weights of a model that has none."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_group("layers")
        change(file)
    return content.getvalue()


def write_keras(path, config, *, version="2.15.0", extra=(), weights=None):
    """A .keras file of a model without weights."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", config if isinstance(config, bytes) else json.dumps(config))
        archive.writestr("model.weights.h5", weights_file() if weights is None else weights)
        for name, content in extra:
            archive.writestr(name, content)
    return path


def sequential(*layers):
    """The configuration of an old Sequential model with inputs of four numbers."""
    shape = {"batch_input_shape": [None, 4], "dtype": "float32", "name": "x"}
    first = {"class_name": "InputLayer", "config": shape}
    return {"class_name": "Sequential", "config": {"name": "m", "layers": [first, *layers]}}


def sequential3(*layers):
    """The same of Keras 3."""
    config = sequential(*layers)
    config["config"]["layers"][0] = {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [None, 4], "dtype": "float32", "name": "x"},
        "registered_name": None,
    }
    built = {"input_shape": [None, 4]}
    return {"module": "keras", "registered_name": None, "build_config": built, **config}


def functional(class_name, layer, node, **extra):
    """An old functional model: an input, and a layer with the inbound node that is given."""
    shape = {"batch_input_shape": [None, 4], "dtype": "float32", "name": "x"}
    layers = [
        {"class_name": "InputLayer", "config": shape, "name": "x", "inbound_nodes": []},
        {
            "class_name": class_name,
            "config": {"name": "f", "trainable": True, "dtype": "float32", **layer},
            "name": "f",
            "inbound_nodes": [node],
            **extra,
        },
    ]
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["x", 0, 0], ["f", 0, 0]]}
    config = {"name": "m", "trainable": True, "layers": layers, **ends}
    return {"class_name": "Functional", "config": config}


def old_lambda(marker, name="f"):
    """A Lambda layer as Keras 2 keeps it."""
    config = {
        "name": name,
        "trainable": True,
        "dtype": "float32",
        "function": payload(marker),
        "function_type": "lambda",
        "module": "__main__",
        "output_shape": None,
        "output_shape_type": "raw",
        "output_shape_module": None,
        "arguments": {},
    }
    return {"class_name": "Lambda", "config": config}


def new_lambda(marker):
    """A Lambda layer as Keras 3 keeps it."""
    code, _, _ = payload(marker)
    inner = {"code": code, "defaults": None, "closure": None}
    function = {"class_name": "__lambda__", "config": inner}
    config = {"name": "f", "function": function, "arguments": {}, "output_shape": [4]}
    return {"module": "keras.layers", "class_name": "Lambda", "config": config}


def dense(**config):
    """A layer of Keras 2 whose parts are given."""
    return {"class_name": "Dense", "config": {"name": "f", "units": 4, **config}}


def named_function(module, name):
    """A function as the newer formats keep it."""
    return {"class_name": "function", "module": module, "config": name, "registered_name": name}


def with_module(layer, module="keras.layers"):
    """The layer as the newer formats keep it."""
    return {"module": module, "registered_name": None, **layer}
