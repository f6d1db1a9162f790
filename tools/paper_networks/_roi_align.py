"""RoIAlign for proposals that are known beforehand, as gathers and weighted sums.

K. He et al., "Mask R-CNN", 2017, section 3: a proposal is cut into bins, four points of each bin
are interpolated bilinearly, and their mean is taken. T.-Y. Lin et al., "Feature Pyramid Networks
for Object Detection", 2017, equation 1, chooses the level of the pyramid.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import layers, ops

# Points of a bin along each axis.
_POINTS = 2
# The side of a proposal, in pixels of ImageNet's pictures, that belongs to level 4.
_CANONICAL_SIDE, _CANONICAL_LEVEL = 224, 4


def fixed_proposals(size: int, places: int, sides: tuple[int, ...]) -> np.ndarray:
    """Boxes of several sides and shapes, evenly spread over the picture.

    Args:
        size: height and width of the picture.
        places: centers along each axis.
        sides: square roots of areas, in pixels.

    Returns:
        float64 (top, left, bottom, right) within the picture, shape (boxes, 4).
    """
    centers = (np.arange(places) + 0.5) * size / places
    boxes = [
        (y - side * shape / 2, x - side / shape / 2, y + side * shape / 2, x + side / shape / 2)
        for side in sides
        for shape in np.sqrt((0.5, 1.0, 2.0))
        for y in centers
        for x in centers
    ]
    return np.clip(boxes, 0, size)


def roi_align(
    features: Mapping[int, Any], boxes: np.ndarray, bins: int, name: str
) -> tuple[Any, np.ndarray]:
    """Features of proposals.

    Args:
        features: (batch, height, width, channels) by level; level n has 1/2**n of the resolution.
        boxes: (top, left, bottom, right) in pixels of the picture, shape (boxes, 4).
        bins: along each axis of a proposal.
        name: how the names of its layers start.

    Returns:
        Features (batch * boxes, bins, bins, channels), and the order of the boxes among them:
        level by level.
    """
    levels = _levels(boxes, min(features), max(features))
    sampled, order = [], []
    for level, x in features.items():
        (chosen,) = np.nonzero(levels == level)
        if len(chosen):
            sampled.append(_sampled(x, boxes[chosen] / 2**level, bins * _POINTS))
            order.append(chosen)
    x = layers.Concatenate(axis=1, name=f"{name}_levels")(sampled) if sampled[1:] else sampled[0]
    x = ops.reshape(x, (-1, bins * _POINTS, bins * _POINTS, x.shape[-1]))
    return layers.AveragePooling2D(_POINTS, name=f"{name}_mean")(x), np.concatenate(order)


def _levels(boxes: np.ndarray, lowest: int, highest: int) -> np.ndarray:
    top, left, bottom, right = boxes.T
    sides = np.sqrt((bottom - top) * (right - left))
    levels = np.floor(_CANONICAL_LEVEL + np.log2(sides / _CANONICAL_SIDE + 1e-6))
    return np.clip(levels, lowest, highest).astype(int)


def _sampled(x: Any, boxes: np.ndarray, points: int) -> Any:
    """Bilinear interpolation at a grid of points of each box: (batch, points, channels)."""
    _, height, width, channels = x.shape
    pixels = ops.reshape(x, (-1, height * width, channels))
    steps = (np.arange(points) + 0.5) / points
    top, left, bottom, right = boxes.T[:, :, None]
    # Pixels are squares whose values are those of their centers.
    y = np.clip(top + (bottom - top) * steps - 0.5, 0, height - 1)[:, :, None]
    x_ = np.clip(left + (right - left) * steps - 0.5, 0, width - 1)[:, None, :]
    total = None
    for down in (0, 1):
        for across in (0, 1):
            row = np.minimum(np.floor(y) + down, height - 1)
            column = np.minimum(np.floor(x_) + across, width - 1)
            share = np.abs(1 - down - (y - np.floor(y))) * np.abs(1 - across - (x_ - np.floor(x_)))
            found = ops.take(pixels, (row * width + column).astype(np.int32).ravel(), axis=1)
            part = ops.multiply(found, share.astype(np.float32).reshape(1, -1, 1))
            total = part if total is None else ops.add(total, part)
    return total
