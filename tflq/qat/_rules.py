"""What each kind of layer does to the range of an activation, and which weights it quantizes.

A layer of the user's own is added by one call of `register_layer`. Layers of Keras that are not
listed here have a range of their own.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from tflq._errors import UserError
from tflq.keras_side import Layer, activation_name

Range = tuple[float, float]


class Output(str, enum.Enum):
    """Where the range of a layer's output comes from."""

    OWN = "own"
    """It is observed at the output."""
    SHARED = "shared"
    """It is the inputs', whose values are only moved or picked."""
    ROUNDED = "rounded"
    """It is the inputs', but values are computed anew, such as means."""
    FIXED = "fixed"
    """The kernel prescribes it."""
    PASSED = "passed"
    """The layer does nothing once trained."""


@dataclass(frozen=True, kw_only=True)
class LayerRule:
    """How a kind of layer is quantized.

    Attributes:
        output: where the range of its output comes from.
        fixed: that range, where the kernel prescribes it.
        weights: by variable name, the axis of the output channels, None for one scale in all.
    """

    output: Output = Output.OWN
    fixed: Range | None = None
    weights: Mapping[str, int | None] = field(default_factory=dict)


_OWN = LayerRule()
_KEPT = LayerRule(
    weights=dict.fromkeys(
        ("kernel", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel"), -1
    )
)
_SHARED = LayerRule(output=Output.SHARED)
_ROUNDED = LayerRule(output=Output.ROUNDED)
_PASSED = LayerRule(output=Output.PASSED)
# LiteRT's 8-bit specification: 1/256 a code from 0 up, and 1/128 around 0.
_UNIT = LayerRule(output=Output.FIXED, fixed=(0.0, 255 / 256))
_SIGNED_UNIT = LayerRule(output=Output.FIXED, fixed=(-1.0, 127 / 128))

# Layers of keras.layers and operations of keras.ops, by class name.
_RULES: dict[str, LayerRule] = {
    **dict.fromkeys(
        (
            "BroadcastTo",
            "Concatenate",
            "Copy",
            "Cropping1D",
            "Cropping2D",
            "ExpandDims",
            "Flatten",
            "Flip",
            "GetItem",
            "GlobalMaxPooling1D",
            "GlobalMaxPooling2D",
            "Max",
            "MaxPool",
            "MaxPooling1D",
            "MaxPooling2D",
            "Maximum",
            "Min",
            "Minimum",
            "Moveaxis",
            "Pad",
            "Permute",
            "Ravel",
            "Repeat",
            "RepeatVector",
            "Reshape",
            "Roll",
            "Slice",
            "Split",
            "Squeeze",
            "Stack",
            "SwapAxes",
            "Swapaxes",
            "Take",
            "Tile",
            "Transpose",
            "Unstack",
            "UpSampling1D",
            "ZeroPadding1D",
            "ZeroPadding2D",
        ),
        _SHARED,
    ),
    **dict.fromkeys(
        ("AveragePool", "AveragePooling1D", "AveragePooling2D", "Resize", "Resizing"), _ROUNDED
    ),
    **dict.fromkeys(
        (
            "ActivityRegularization",
            "AlphaDropout",
            "Dropout",
            "GaussianDropout",
            "GaussianNoise",
            "Identity",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "SpatialDropout3D",
            "StochasticDepth",
            "Unmasked",
        ),
        _PASSED,
    ),
    **dict.fromkeys(("Sigmoid", "Softmax"), _UNIT),
    "Tanh": _SIGNED_UNIT,
    "LogSoftmax": LayerRule(output=Output.FIXED, fixed=(-255 / 16, 0.0)),
}
_ACTIVATIONS = {
    "sigmoid": _UNIT,
    "softmax": _UNIT,
    "tanh": _SIGNED_UNIT,
    "log_softmax": _RULES["LogSoftmax"],
    "linear": _PASSED,
}
_REGISTERED: dict[type, LayerRule] = {}


def register_layer(
    cls: type, *, output: str = "own", weights: Mapping[str, int | None] | None = None
) -> type:
    """Tells `tflq.quantize` how a layer of your own is quantized.

    One that only calls other layers, and about which nothing more is said, is trained and saved
    as those layers.

    Args:
        cls: the layer's class; it needs `get_config`.
        output: "own" where its output has a range of its own; "shared" where it only moves or
            picks values of its inputs, "rounded" where it computes values within their range,
            such as means; "passed" where it does nothing once trained, like a dropout.
        weights: variables to quantize, `{name: axis of the output channels}`; None for an axis
            means one scale in all. Other weights stay float.

    Returns:
        The class, so that the call can stand below its definition or around it.

    Raises:
        UserError: `cls` is no layer, or `output` is none of these.

    Example:
        >>> import keras, tflq
        >>> class Scale(keras.layers.Layer):
        ...     def build(self, shape):
        ...         self.kernel = self.add_weight(name="kernel", shape=(shape[-1],))
        ...     def call(self, x):
        ...         return x * self.kernel
        >>> tflq.register_layer(Scale, weights={"kernel": None}) is Scale
        True
    """
    allowed = [rule.value for rule in Output if rule is not Output.FIXED]
    if not (isinstance(cls, type) and hasattr(cls, "get_config") and hasattr(cls, "call")):
        raise UserError(f"register_layer: {cls!r} is no layer class; give a keras.layers.Layer.")
    if output not in allowed:
        raise UserError(
            f"register_layer: output={output!r} for {cls.__name__} is unknown; choose one of: "
            f"{', '.join(allowed)}."
        )
    _REGISTERED[cls] = LayerRule(output=Output(output), weights=dict(weights or {}))
    return cls


def is_registered_whole(cls: type) -> bool:
    """Whether nothing more was said of a class than that it is one to be quantized."""
    return any(_REGISTERED[base] == _OWN for base in cls.__mro__ if base in _REGISTERED)


def rule_of(layer: Layer) -> LayerRule | None:
    """The rule of a layer; None for one that is neither Keras's nor registered."""
    for base in layer.cls.__mro__:
        if base in _REGISTERED:
            return _REGISTERED[base]
    if layer.cls.__module__.partition(".")[0] not in ("keras", "tflq"):
        return None
    kind = layer.kind
    if kind == "Activation":
        return _ACTIVATIONS.get(activation_name(layer), _OWN)
    if kind == "UpSampling2D":
        nearest = layer.config is None or layer.config.get("interpolation") == "nearest"
        return _SHARED if nearest else _ROUNDED
    if kind.startswith("Random"):
        return _PASSED
    return _RULES.get(kind, _KEPT)
