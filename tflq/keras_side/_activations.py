"""What activations let a channel's scale through."""

import enum
import math
from dataclasses import dataclass
from typing import Any

from tflq.keras_side._graph import Layer


class Shape(enum.Enum):
    """How an activation treats a positive factor: f(s * x) = s * f(x) for the first two."""

    LINEAR = "linear"
    RECTIFIER = "rectifier"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Activation:
    """An activation.

    Attributes:
        shape: how it treats a factor.
        cap: of a rectifier, which a factor moves.
        leaky: whether a rectifier passes some of what is negative.
    """

    shape: Shape
    cap: float = math.inf
    leaky: bool = False


_LINEAR = Activation(shape=Shape.LINEAR)
_RECTIFIER = Activation(shape=Shape.RECTIFIER)
_LEAKY = Activation(shape=Shape.RECTIFIER, leaky=True)
_OTHER = Activation(shape=Shape.OTHER)
_BY_NAME = {
    "linear": _LINEAR,
    "relu": _RECTIFIER,
    "leaky_relu": _LEAKY,
    "relu6": Activation(shape=Shape.RECTIFIER, cap=6.0),
}
# Operations of keras.ops and tf, by class name.
_OPERATIONS = {"Relu": "relu", "Relu6": "relu6", "LeakyRelu": "leaky_relu"}


def activation_of(layer: Layer) -> Activation | None:
    """The activation of an activation layer, or the one built into a kernel layer.

    None for layers that are neither.
    """
    if layer.kind == "ReLU" and layer.config is not None:
        if layer.config.get("threshold"):
            return _OTHER
        cap = layer.config.get("max_value")
        return Activation(
            shape=Shape.RECTIFIER,
            cap=math.inf if cap is None else float(cap),
            leaky=bool(layer.config.get("negative_slope")),
        )
    if layer.kind in ("LeakyReLU", "PReLU"):
        return _LEAKY
    if layer.config is None:
        return _BY_NAME[_OPERATIONS[layer.kind]] if layer.kind in _OPERATIONS else None
    if "activation" in layer.config and hasattr(layer.source, "activation"):
        return _BY_NAME.get(_name(layer.config["activation"]), _OTHER)
    return None


def is_passive(layer: Layer) -> bool:
    """A kernel layer without an activation of its own."""
    return activation_of(layer) in (None, _LINEAR)


def uncap(layer: Layer) -> None:
    """Removes the cap of a rectifier."""
    assert layer.config is not None, "operations are never changed"
    if layer.kind == "ReLU":
        layer.config["max_value"] = None
    else:
        layer.config["activation"] = "relu"


def activation_name(layer: Layer) -> str:
    """The name of a layer's `activation`, "linear" where it has none."""
    return _name((layer.config or {}).get("activation"))


def _name(activation: Any) -> str:
    """Of a serialized activation: a name, or a dict around one; of the user's own, no such name."""
    while isinstance(activation, dict):
        inner = activation.get("config")
        wraps = isinstance(inner, str) or (isinstance(inner, dict) and "class_name" in inner)
        activation = inner if wraps else activation.get("class_name")
    return str(activation) if activation is not None else "linear"
