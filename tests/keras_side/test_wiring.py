import json

import keras
import pytest
import tf_keras

from tflq.keras_side._damaged import DamagedError
from tflq.keras_side._wiring import check_wiring


def _twice(layers, package):
    x = layers.Input((4,), name="x")
    shared = layers.Dense(4, name="shared")
    inner = package.Sequential([layers.Input((4,)), layers.Dense(4, name="deep")], name="inner")
    y = layers.Add(name="add")([shared(shared(x)), inner(inner(x))])
    return package.Model(x, layers.Dense(2, name="last")(y))


def _attention(layers, package):
    x = layers.Input((3, 4), name="x")
    return package.Model(x, layers.MultiHeadAttention(2, 4)(x, value=x, key=x))


@pytest.fixture(params=["keras", "tf_keras"])
def package(request):
    return {"keras": keras, "tf_keras": tf_keras}[request.param]


@pytest.mark.parametrize("build", [_twice, _attention])
def test_models_of_both_kerases_are_wired(package, build):
    model = build(package.layers, package)
    check_wiring(json.loads(model.to_json()))
    check_wiring(json.loads(package.Sequential([model]).to_json()))


def _layer(config, name):
    return next(layer for layer in config["config"]["layers"] if layer["name"] == name)


def _config(package):
    return json.loads(_twice(package.layers, package).to_json())


def _renumbered(value, name, number):
    """The same with other calls of a layer asked for."""
    if isinstance(value, dict):
        return {key: _renumbered(inner, name, number) for key, inner in value.items()}
    if isinstance(value, list):
        if value[:1] == [name]:
            return [name, number, *value[2:]]
        return [_renumbered(inner, name, number) for inner in value]
    return value


@pytest.mark.parametrize("number", [2, 9, 2**40])
def test_a_call_that_is_never_made(package, number):
    config = _config(package)
    layer = _layer(config, "add")
    layer["inbound_nodes"] = _renumbered(layer["inbound_nodes"], "shared", number)
    with pytest.raises(DamagedError, match="layer 'add' waits for inputs that no layer gives"):
        check_wiring(config)


def test_layers_that_wait_for_each_other(package):
    config = _config(package)
    first, last = _layer(config, "shared"), _layer(config, "last")
    text = json.dumps(first["inbound_nodes"]).replace('"x"', '"last"')
    first["inbound_nodes"] = json.loads(text)
    assert last["inbound_nodes"]
    with pytest.raises(DamagedError, match="waits for inputs that no layer gives"):
        check_wiring(config)


@pytest.mark.parametrize("calls", [[], {}, None])
def test_a_layer_that_is_never_called(package, calls):
    config = _config(package)
    _layer(config, "add")["inbound_nodes"] = calls
    with pytest.raises(DamagedError, match="layer 'last' waits for inputs that no layer gives"):
        check_wiring(config)


def test_a_number_that_is_none():
    config = _config(tf_keras)
    layer = _layer(config, "last")
    layer["inbound_nodes"] = _renumbered(layer["inbound_nodes"], "add", "io.write_file")
    with pytest.raises(DamagedError, match="of layer 'add' is no number"):
        check_wiring(config)


def test_whatever_the_layers_are():
    for layers in (None, 3, [None], [{"name": 3, "inbound_nodes": []}], [{"name": "a"}]):
        check_wiring({"config": {"layers": layers}})
