"""Faster R-CNN and Mask R-CNN on ResNet-50 with a feature pyramid, as torchvision has them.

S. Ren et al., "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks",
2015; K. He et al., "Mask R-CNN", 2017; T.-Y. Lin et al., "Feature Pyramid Networks for Object
Detection", 2017.

All that has weights is here. The heads look at fixed proposals, a grid of boxes of several sides
and shapes; those of the region proposal network are an output. What would choose among them, the
decoding of boxes and non-maximum suppression, is left out: it runs in float between the parts.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from paper_networks._blocks import check_no_weights
from paper_networks._resnet import Bottlenecks, bottleneck_stages
from paper_networks._roi_align import fixed_proposals, roi_align

# Labels of COCO, whose numbers have gaps, and the background.
_CLASSES = 91
_ANCHORS = 3
_RESNET_50 = Bottlenecks(repeats=(3, 4, 6, 3))
_SMOKE_RESNET = Bottlenecks(repeats=(1, 2, 1, 1), channels=16, width=16)
_BOX_BINS, _MASK_BINS = 7, 14


def faster_rcnn(smoke: bool, weights: str | None = None) -> Any:
    """Faster R-CNN.

    Args:
        smoke: build the small version: few blocks, a quarter of the channels, few proposals.
        weights: None; there are none.

    Returns:
        A model from pictures to logits and offsets of anchors, one row an anchor, and logits of
        classes and offsets of boxes, one row a proposal.
    """
    check_no_weights(weights)
    image, features, proposals = _trunk(smoke)
    outputs = [*_proposing(features), *_boxes(features, proposals, 64 if smoke else 1024)]
    return keras.Model(image, outputs, name="faster_rcnn")


def mask_rcnn(smoke: bool, weights: str | None = None) -> Any:
    """Mask R-CNN.

    Args:
        smoke: build the small version: few blocks, a quarter of the channels, few proposals.
        weights: None; there are none.

    Returns:
        As `faster_rcnn`, and logits of masks (batch, proposals, 28, 28, classes).
    """
    check_no_weights(weights)
    image, features, proposals = _trunk(smoke)
    outputs = [*_proposing(features), *_boxes(features, proposals, 64 if smoke else 1024)]
    outputs.append(_masks(features, proposals))
    return keras.Model(image, outputs, name="mask_rcnn")


def _trunk(smoke: bool) -> tuple[Any, dict[int, Any], np.ndarray]:
    """The picture, the levels of the pyramid, the proposals."""
    size, channels = (64, 64) if smoke else (800, 256)
    image = keras.Input((size, size, 3), name="image")
    stages = bottleneck_stages(image, _SMOKE_RESNET if smoke else _RESNET_50)
    lateral: Any = None
    features = {}
    for level in (5, 4, 3, 2):
        x = layers.Conv2D(channels, 1, name=f"level{level}_lateral")(stages[level - 2])
        if lateral is not None:
            finer = layers.UpSampling2D(2, name=f"level{level}_finer")(lateral)
            x = layers.Add(name=f"level{level}_add")([x, finer])
        lateral = x
        features[level] = layers.Conv2D(channels, 3, padding="same", name=f"level{level}_features")(
            x
        )
    sides, places = ((16, 48), 1) if smoke else ((64, 128, 256, 512), 3)
    # The smaller the picture, the smaller what a level of the pyramid is for.
    return image, features, fixed_proposals(size, places, sides)


def _proposing(features: Mapping[int, Any]) -> list[Any]:
    """The region proposal network: logits and offsets of anchors."""
    channels = features[2].shape[-1]
    shared = layers.Conv2D(channels, 3, padding="same", activation="relu", name="rpn_conv")
    levels = {**features, 6: layers.MaxPooling2D(1, strides=2, name="level6")(features[5])}
    seen = {level: shared(levels[level]) for level in sorted(levels)}
    outputs = []
    for name, values in (("rpn_logits", 1), ("rpn_offsets", 4)):
        conv = layers.Conv2D(_ANCHORS * values, 1, name=name)
        rows = [
            layers.Reshape((-1, values), name=f"{name}_level{level}")(conv(x))
            for level, x in seen.items()
        ]
        outputs.append(layers.Concatenate(axis=1, name=f"{name}_levels")(rows))
    return outputs


def _boxes(features: Mapping[int, Any], proposals: np.ndarray, width: int) -> list[Any]:
    """Logits of classes and offsets of boxes."""
    x, order = roi_align(features, proposals, _BOX_BINS, "box")
    x = layers.Flatten(name="box_flat")(x)
    for index in (1, 2):
        x = layers.Dense(width, activation="relu", name=f"box_dense{index}")(x)
    return [
        ops.reshape(layers.Dense(values, name=name)(x), (-1, len(order), values))
        for name, values in (("box_logits", _CLASSES), ("box_offsets", 4 * _CLASSES))
    ]


def _masks(features: Mapping[int, Any], proposals: np.ndarray) -> Any:
    """Logits of the pixels of masks."""
    channels = features[2].shape[-1]
    x, order = roi_align(features, proposals, _MASK_BINS, "mask")
    for index in range(1, 5):
        x = layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"mask_conv{index}")(
            x
        )
    x = layers.Conv2DTranspose(channels, 2, strides=2, activation="relu", name="mask_finer")(x)
    x = layers.Conv2D(_CLASSES, 1, name="mask_logits")(x)
    return ops.reshape(x, (-1, len(order), 2 * _MASK_BINS, 2 * _MASK_BINS, _CLASSES))
