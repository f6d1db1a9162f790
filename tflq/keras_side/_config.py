"""What a layer is made from, with the user's own functions and objects instead of their names.

`get_config` writes activations, regularizers, constraints and initializers down as names, and a
name stands for whatever Keras or a registry calls so: another function, or none.
"""

import importlib
from typing import Any

from tflq._errors import UserError
from tflq._reasons import keras_reason

_KERAS = ("keras", "tf_keras")
# How the names end of what Keras looks up by name.
_LOOKED_UP = ("activation", "regularizer", "constraint", "initializer")


def live_config(source: Any) -> dict[str, Any]:
    """The config of a layer that lives, from which `from_config` makes one like it.

    Args:
        source: a layer of Keras 3 or tf_keras; it is left as it is.

    Raises:
        UserError: it has no `get_config`, or holds what Keras cannot write down.
    """
    if type(source).__name__ == "Lambda":
        # Its config carries code, which Keras refuses to load; the code is here already.
        return {"function": source.function, "name": source.name}
    if _package(type(source).from_config) not in _KERAS:
        # The user's own code reads what the user's own code wrote.
        return _written(source)
    config = _written(_without_foreign(source))
    # Where there is none, Keras says nothing of it.
    config.setdefault("activity_regularizer", None)
    for key, value in list(config.items()):
        live = _attribute(source, key)
        if _is_foreign(key, live):
            config[key] = _keras_name(live) or live
        elif _is_layer(live) and isinstance(value, dict) and "config" in value:
            config[key] = value | {"config": live_config(live)}
    if config["activity_regularizer"] is None:
        del config["activity_regularizer"]
    return config


def _written(source: Any) -> dict[str, Any]:
    try:
        return dict(source.get_config())
    except NotImplementedError as error:
        raise UserError(
            f"layer {source.name!r} ({type(source).__name__}) cannot be rebuilt, for it has no "
            "get_config(); add one, or leave out equalize, absorb_bias and fold."
        ) from error
    except TypeError as error:
        raise UserError(
            f"layer {source.name!r} ({type(source).__name__}) cannot be rebuilt, for its "
            f"get_config() fails: {keras_reason(error)}. Give it functions that "
            "have a name (def), or classes with get_config()."
        ) from error


def _without_foreign(source: Any) -> Any:
    """A copy to ask for a config, in which nothing is left that Keras might fail to name."""
    foreign = [name for name, value in vars(source).items() if _is_foreign(name, value)]
    if not foreign:
        return source
    keras = next(_package(base) for base in type(source).__mro__ if _package(base) in _KERAS)
    linear = importlib.import_module(keras).activations.linear
    # Not by copy.copy, for which Keras saves and loads.
    twin = object.__new__(type(source))
    plain = {name: linear if name.endswith("activation") else None for name in foreign}
    vars(twin).update(vars(source) | plain)
    return twin


def _attribute(source: Any, key: str) -> Any:
    """What a layer holds under the key of a config."""
    if key == "layer" and hasattr(source, "forward_layer"):
        return source.forward_layer
    return getattr(source, key, getattr(source, f"_{key}", None))


def _is_layer(value: Any) -> bool:
    return hasattr(value, "get_weights")


def _is_foreign(name: str, value: Any) -> bool:
    """Whether it is a function or a callable object that Keras did not write."""
    if not name.endswith(_LOOKED_UP) or not callable(value) or isinstance(value, type):
        return False
    return not _is_layer(value) and _package(value) not in _KERAS


def _package(value: Any) -> str:
    return str(getattr(value, "__module__", None) or "").partition(".")[0]


def _keras_name(function: Any) -> str | None:
    """What Keras calls a function of TensorFlow that it has as well."""
    if _package(function) != "tensorflow":
        return None
    import keras

    name = getattr(function, "__name__", "")
    try:
        keras.activations.get(name)
    except ValueError:
        return None
    return str(name)
