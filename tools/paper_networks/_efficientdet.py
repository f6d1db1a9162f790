"""EfficientDet-D1.

M. Tan et al., "EfficientDet: Scalable and Efficient Object Detection", 2020: EfficientNet-B1, four
bidirectional feature pyramids of 88 channels, heads of three layers. Anchors, the decoding of
boxes and non-maximum suppression, which run in float behind the network, are left out.
"""

from typing import Any

import keras
from keras import layers, ops

from paper_networks._blocks import check_no_weights

_CLASSES, _ANCHORS = 90, 9
# Levels 3 to 7 halve the resolution from an eighth on.
_LEVELS = (3, 4, 5, 6, 7)
_EPSILON = 1e-3


def efficientdet_d1(smoke: bool, weights: str | None = None) -> Any:
    """EfficientDet-D1.

    Args:
        smoke: build the small version: on EfficientNet-B0, with two narrow pyramids and heads of
            two layers.
        weights: None; there are none.

    Returns:
        A model from pictures to logits of classes and offsets of boxes, one row an anchor.
    """
    check_no_weights(weights)
    size, channels, pyramids, depth = (128, 16, 2, 2) if smoke else (640, 88, 4, 3)
    backbone = keras.applications.EfficientNetB0 if smoke else keras.applications.EfficientNetB1
    image = keras.Input((size, size, 3), name="image")
    found = backbone(include_top=False, weights=None, input_tensor=image)
    # The last block of each resolution.
    features = {
        level: [layer for layer in found.layers if layer.name.startswith(f"block{block}")][
            -1
        ].output
        for level, block in ((3, 3), (4, 5), (5, 7))
    }
    x = _resample(features[5], channels, "level6")
    features[6] = layers.MaxPooling2D(3, strides=2, padding="same", name="level6_pool")(x)
    features[7] = layers.MaxPooling2D(3, strides=2, padding="same", name="level7_pool")(features[6])
    for index in range(pyramids):
        features = _pyramid(features, channels, f"pyramid{index + 1}")
    classes = _head(features, channels, depth, _CLASSES, "classes")
    boxes = _head(features, channels, depth, 4, "boxes")
    return keras.Model(image, [classes, boxes], name="efficientdet_d1")


@keras.saving.register_keras_serializable("paper_networks")
class Fusion(layers.Layer):  # type: ignore[misc]
    """A weighted mean of inputs of one shape, whose weights are trained and never negative."""

    def build(self, input_shape: Any) -> None:
        """Makes the weights.

        Args:
            input_shape: shapes of the inputs.
        """
        self.weight = self.add_weight(shape=(len(input_shape),), initializer="ones", name="weight")

    def call(self, inputs: Any) -> Any:
        """Means.

        Args:
            inputs: tensors of one shape.

        Returns:
            Their mean.
        """
        weight = ops.relu(self.weight)
        weight = weight / (ops.sum(weight) + 1e-4)
        return sum(weight[index] * x for index, x in enumerate(inputs))


def _pyramid(features: dict[int, Any], channels: int, name: str) -> dict[int, Any]:
    """From coarse to fine, then from fine to coarse."""

    def taken(level: int, way: str) -> Any:
        return _resample(features[level], channels, f"{name}_level{level}_{way}")

    down = {7: taken(7, "down")}
    for level in (6, 5, 4, 3):
        finer = layers.UpSampling2D(2, name=f"{name}_level{level}_finer")(down[level + 1])
        inputs = [taken(level, "down"), finer]
        down[level] = _node(inputs, channels, f"{name}_level{level}_down")
    up = {3: down[3]}
    for level in (4, 5, 6, 7):
        coarser = layers.MaxPooling2D(
            3, strides=2, padding="same", name=f"{name}_level{level}_coarser"
        )(up[level - 1])
        # The coarsest level has no node on the way down.
        inputs = [taken(level, "up"), *([down[level]] if level < 7 else []), coarser]
        up[level] = _node(inputs, channels, f"{name}_level{level}_up")
    return up


def _resample(x: Any, channels: int, name: str) -> Any:
    """A convolution to the pyramid's channels, where they aren't those of `x`."""
    if x.shape[-1] == channels:
        return x
    x = layers.Conv2D(channels, 1, name=f"{name}_resample_conv")(x)
    return layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_resample_bn")(x)


def _node(inputs: list[Any], channels: int, name: str) -> Any:
    x = Fusion(name=f"{name}_fusion")(inputs)
    x = layers.Activation("swish", name=f"{name}_swish")(x)
    x = layers.SeparableConv2D(channels, 3, padding="same", name=f"{name}_conv")(x)
    return layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_bn")(x)


def _head(features: dict[int, Any], channels: int, depth: int, outputs: int, name: str) -> Any:
    """Convolutions that all levels share, with a batch normalization for each level."""
    convs = [
        layers.SeparableConv2D(channels, 3, padding="same", name=f"{name}_conv{index}")
        for index in range(depth)
    ]
    last = layers.SeparableConv2D(_ANCHORS * outputs, 3, padding="same", name=f"{name}_last")
    rows = []
    for level in _LEVELS:
        x = features[level]
        for index, conv in enumerate(convs):
            norm = layers.BatchNormalization(
                epsilon=_EPSILON, name=f"{name}_bn{index}_level{level}"
            )
            x = layers.Activation("swish", name=f"{name}_swish{index}_level{level}")(norm(conv(x)))
        rows.append(layers.Reshape((-1, outputs), name=f"{name}_level{level}")(last(x)))
    return layers.Concatenate(axis=1, name=name)(rows)
