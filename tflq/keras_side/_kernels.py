"""Layers with a kernel, seen alike: (taps, groups, inputs of a group, outputs of a group).

Input channel (g, i) and output channel (g, o) are numbered group by group, as Keras does. A kind
is added by one line in `_ARRANGEMENTS`.
"""

import math

import numpy as np

from tflq.keras_side._graph import Layer

# Where Keras keeps the channels: "full" (taps, in/groups, out), "depthwise" (taps, in,
# multiplier), "transposed" (taps, out, in).
_ARRANGEMENTS = {
    "Conv1D": "full",
    "Conv2D": "full",
    "Conv3D": "full",
    "Dense": "full",
    "DepthwiseConv1D": "depthwise",
    "DepthwiseConv2D": "depthwise",
    "Conv1DTranspose": "transposed",
    "Conv2DTranspose": "transposed",
    "Conv3DTranspose": "transposed",
}


def has_kernel(layer: Layer) -> bool:
    """Whether the layer is one of those seen here, with its channels last."""
    return (
        layer.kind in _ARRANGEMENTS
        and layer.config is not None
        and layer.config.get("data_format", "channels_last") == "channels_last"
        # A layer with other weights, such as a low-rank update, is not what its class says.
        and len(layer.weights) == 1 + bool(layer.config["use_bias"])
        and layer.weights[0].dtype == np.float32
    )


def kernel_of(layer: Layer) -> np.ndarray:
    """The kernel as (taps, groups, inputs, outputs)."""
    kernel = layer.weights[0]
    if _arrangement(layer) == "depthwise":
        return kernel.reshape(-1, kernel.shape[-2], 1, kernel.shape[-1])
    if _arrangement(layer) == "transposed":
        return kernel.reshape(-1, 1, *kernel.shape[-2:]).swapaxes(2, 3)
    groups = _groups(layer)
    split = kernel.reshape(-1, kernel.shape[-2], groups, kernel.shape[-1] // groups)
    return split.swapaxes(1, 2)


def set_kernel(layer: Layer, kernel: np.ndarray) -> None:
    """The inverse of `kernel_of`."""
    shape = layer.weights[0].shape
    if _arrangement(layer) == "transposed":
        kernel = kernel.swapaxes(2, 3)
    elif _arrangement(layer) == "full":
        kernel = kernel.swapaxes(1, 2)
    layer.weights[0] = np.ascontiguousarray(kernel, np.float32).reshape(shape)


def bias_of(layer: Layer) -> np.ndarray:
    """The bias, zeros where there is none; float64, shape (output channels,)."""
    if len(layer.weights) > 1:
        return layer.weights[1].astype(np.float64)
    _, groups, _, outputs = kernel_of(layer).shape
    return np.zeros(groups * outputs)


def set_bias(layer: Layer, bias: np.ndarray) -> None:
    """Sets the bias, which the layer gets if it has none."""
    assert layer.config is not None, "layers with a kernel have a config"
    layer.config["use_bias"] = True
    layer.weights = [layer.weights[0], np.asarray(bias, np.float32)]


def scale_outputs(layer: Layer, factors: np.ndarray) -> None:
    """Multiplies every output channel before the activation; shape (output channels,)."""
    kernel = kernel_of(layer).astype(np.float64)
    _, groups, _, outputs = kernel.shape
    set_kernel(layer, kernel * factors.reshape(1, groups, 1, outputs))
    if len(layer.weights) > 1:
        set_bias(layer, bias_of(layer) * factors)


def scale_inputs(layer: Layer, factors: np.ndarray) -> None:
    """Multiplies what every input channel counts for; shape (input channels,)."""
    kernel = kernel_of(layer).astype(np.float64)
    _, groups, inputs, _ = kernel.shape
    set_kernel(layer, kernel * factors.reshape(1, groups, inputs, 1))


def response(layer: Layer, inputs: np.ndarray) -> np.ndarray:
    """What a constant input adds to each output away from borders; shape (output channels,)."""
    kernel = kernel_of(layer).astype(np.float64).sum(axis=0)
    groups, ins, _ = kernel.shape
    return np.einsum("gio,gi->go", kernel, inputs.reshape(groups, ins)).reshape(-1)


def pads(layer: Layer) -> bool:
    """Whether zeros beside the input reach the output."""
    if layer.kind == "Dense":
        return False
    if _arrangement(layer) == "transposed":
        # Its outputs near a border, and those between strides, get fewer taps than others.
        return True
    assert layer.config is not None
    taps = math.prod(layer.weights[0].shape[:-2])
    return taps > 1 and layer.config["padding"] != "valid"


def _arrangement(layer: Layer) -> str:
    return _ARRANGEMENTS[layer.kind]


def _groups(layer: Layer) -> int:
    assert layer.config is not None
    return int(layer.config.get("groups", 1))
