"""How the weights of a layer are quantized in training: bits, granularity and bounds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tflq.qat._fake_quant import fake_quant_symmetric, weight_scale
from tflq.ranges import weight_bounds

Tensor = Any


@dataclass(frozen=True, kw_only=True)
class WeightQuantizer:
    """Symmetric, restricted quantization of one weight array.

    The bound of a channel is its largest absolute weight times `ratio`, so that it follows weights
    that training or a moving batch normalization rescales.

    Attributes:
        bits: bits of a weight.
        axes: axes of the output channels, which then have a scale each; empty for one scale.
        ratio: whether bounds have a ratio (else it is 1), as few bits want.
    """

    bits: int
    axes: tuple[int, ...]
    ratio: bool

    @property
    def highest(self) -> int:
        """The highest code."""
        return int(2 ** (self.bits - 1)) - 1

    def channels(self, shape: Sequence[int]) -> int:
        """How many bounds weights of a shape have."""
        return math.prod(shape[axis] for axis in self.axes)

    def bound(self, w: Tensor, ratio: Tensor | None, floor: Tensor | None) -> Tensor:
        """The bounds, shaped to be broadcast against `w`.

        Args:
            w: float32 weights.
            ratio: of shape (channels,), or None.
            floor: smallest bound of each channel, of shape (channels,), or None.
        """
        along = self._along(w.shape)
        others = [axis for axis in range(len(w.shape)) if along[axis] == 1]
        largest = tf.reduce_max(tf.abs(w), others, keepdims=True) if others else tf.abs(w)
        bound = tf.stop_gradient(largest)
        if ratio is not None:
            bound = bound * tf.reshape(tf.clip_by_value(ratio, 0.05, 1.0), along)
        if floor is None:
            return bound
        floor = tf.reshape(floor, along) if self.axes else tf.reduce_max(floor)
        return tf.maximum(bound, floor)

    def quantize(self, w: Tensor, bound: Tensor) -> Tensor:
        """Fake-quantized weights."""
        return fake_quant_symmetric(w, bound, bits=self.bits)

    def scales(self, bound: Tensor) -> Tensor:
        """The scale of each bound, shape (channels,)."""
        return tf.stop_gradient(weight_scale(tf.reshape(bound, (-1,)), bits=self.bits))

    def first_ratio(self, w: np.ndarray) -> np.ndarray:
        """The ratio whose bounds lose least of the weights; float32, shape (channels,)."""
        shape = self._along(w.shape)
        moved = np.moveaxis(w, self._axes(w.ndim), range(-len(self.axes), 0)) if self.axes else w
        flat = moved.reshape(-1, self.channels(w.shape)) if self.axes else w.reshape(-1, 1)
        axis = 1 if self.axes else None
        bounds = weight_bounds(flat, axis=axis, bits=self.bits, method="mse").reshape(-1)
        largest = np.abs(flat).max(axis=0)
        assert largest.size == math.prod(shape)
        ratio = np.where(largest > 0, bounds / np.maximum(largest, 1e-30), 1.0)
        return np.clip(ratio, 0.05, 1.0).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        """What it is made from."""
        return {"bits": self.bits, "axes": list(self.axes), "ratio": self.ratio}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WeightQuantizer":
        """The inverse of `get_config`."""
        return cls(bits=config["bits"], axes=tuple(config["axes"]), ratio=config["ratio"])

    def _axes(self, rank: int) -> list[int]:
        return [axis % rank for axis in self.axes]

    def _along(self, shape: Sequence[int]) -> list[int]:
        kept = self._axes(len(shape))
        return [int(n) if axis in kept else 1 for axis, n in enumerate(shape)]


def channel_axes(kind: str, rank: int, equation: str | None = None) -> list[int]:
    """Axes of the output channels in a layer's kernel.

    Args:
        kind: name of the layer's class.
        rank: of the kernel.
        equation: of an `EinsumDense`.
    """
    if equation is not None:
        operands, output = equation.split("->")
        labels = operands.split(",")[1]
        return [axis for axis, label in enumerate(labels) if label in output]
    if kind.startswith("Depthwise"):
        return [rank - 2, rank - 1]
    return [rank - 2] if kind.endswith("Transpose") else [rank - 1]
