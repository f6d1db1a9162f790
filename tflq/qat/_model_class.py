"""The class of a model, which may have its own way to train."""

import inspect
from typing import Any

from tflq._errors import UserError

# What a class overrides to train, test or predict its own way.
_STEPS = (
    "train_step",
    "test_step",
    "predict_step",
    "compute_loss",
    "compute_metrics",
    "make_train_function",
    "make_test_function",
    "make_predict_function",
    "fit",
    "evaluate",
    "compile",
)
_KERAS = ("keras", "tf_keras")


def class_to_keep(model: Any) -> Any:
    """The user's class to build the quantized model of; None for a plain model.

    Raises:
        UserError: it has its own way to train, and cannot be made of inputs and outputs.
    """
    cls = type(model)
    if _is_keras(cls):
        return None
    given = list(inspect.signature(cls.__init__).parameters)
    if given == ["self", "inputs", "outputs", "name", "kwargs"] and _is_of_keras_3(cls):
        return cls
    own = [name for name in _STEPS if not _is_keras(_owner(cls, name))]
    if not own:
        return None
    raise UserError(
        f"model {model.name!r} is a {cls.__name__} with its own {', '.join(own)}, which tflq can "
        f"only keep where the class is a functional keras.Model made by {cls.__name__}(inputs, "
        "outputs, name=None, **kwargs); give it such a constructor, or quantize the network "
        "inside, tflq.quantize(keras.Model(model.inputs, model.outputs)), and train that."
    )


def _owner(cls: type, name: str) -> type:
    """The class in which a method is written."""
    return next((base for base in cls.__mro__ if name in vars(base)), object)


def _is_keras(cls: type) -> bool:
    return cls is object or cls.__module__.partition(".")[0] in _KERAS


def _is_of_keras_3(cls: type) -> bool:
    return any(base.__module__.partition(".")[0] == "keras" for base in cls.__mro__)
