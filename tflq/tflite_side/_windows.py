"""What a weighted op multiplies at chosen places of its output, as rows of a matrix.

With groups g, every op here computes out[row, g, o] = sum_k rows[g, row, k] * weights[g, k, o]:
a convolution has one group (or several), a depthwise one a group for each input channel.
"""

from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._weights import SLOTS, weights_of

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
SUPPORTED = (*CONVOLUTIONS, "FULLY_CONNECTED")


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """Stride, dilation, kernel and padding in front along height or width."""

    stride: int
    dilation: int
    taps: int
    front: int


class Windows:
    """Reads an op's input as rows.

    Args:
        graph: the float graph.
        op: one whose kind is `SUPPORTED`.
    """

    def __init__(self, graph: Graph, op: Op):
        self._op = op
        self._shape = tuple(int(n or 0) for n in graph.tensors[weights_of(graph, op)].shape)
        self._slots = SLOTS[op.kind]

    def matrix(self, weights: np.ndarray, channels: int) -> np.ndarray:
        """Weights in the file's layout as (groups, k, outputs of a group).

        Args:
            weights: the values.
            channels: channels of the op's input.
        """
        if self._op.kind == "FULLY_CONNECTED":
            return weights.T[None]
        if self._op.kind == "DEPTHWISE_CONV_2D":
            taps = weights.reshape(-1, channels, weights.shape[-1] // channels)
            return taps.transpose(1, 0, 2)
        groups = channels // weights.shape[3]
        return weights.reshape(groups, weights.shape[0] // groups, -1).transpose(0, 2, 1)

    def weights(self, matrix: np.ndarray) -> np.ndarray:
        """The inverse of `matrix`."""
        if self._op.kind == "DEPTHWISE_CONV_2D":
            return matrix.transpose(1, 0, 2).reshape(self._shape)
        return matrix.transpose(0, 2, 1).reshape(self._shape)

    def rows(self, x: np.ndarray, output: tuple[int, ...], places: np.ndarray) -> np.ndarray:
        """Rows at places of the output.

        Args:
            x: the op's input, float.
            output: shape of its output.
            places: flat indices into the output without its last axis.

        Returns:
            float32, shape (groups, len(places), k).
        """
        if self._op.kind == "FULLY_CONNECTED":
            return x.reshape(-1, self._shape[1])[None, places]
        batch, height, width = np.unravel_index(places, output[:-1])
        rows, columns = (self._axis(i, x.shape[i], output[i]) for i in (1, 2))
        y = height[:, None] * rows.stride + np.arange(rows.taps) * rows.dilation
        z = width[:, None] * columns.stride + np.arange(columns.taps) * columns.dilation
        padded = _padded(x, rows, columns, int(y.max(initial=0)), int(z.max(initial=0)))
        found = padded[batch[:, None, None], y[:, :, None], z[:, None, :]]
        found = found.reshape(len(places), -1, x.shape[-1])
        if self._op.kind == "DEPTHWISE_CONV_2D":
            return found.transpose(2, 0, 1)
        groups = x.shape[-1] // self._shape[3]
        split = found.reshape(len(places), -1, groups, self._shape[3])
        return split.transpose(2, 0, 1, 3).reshape(groups, len(places), -1)

    def _axis(self, axis: int, size: int, made: int) -> _Axis:
        options = self._op.options
        stride, dilation = (
            (options.strideH, options.dilationHFactor)
            if axis == 1
            else (options.strideW, options.dilationWFactor)
        )
        taps = self._shape[axis]
        missing = (made - 1) * stride + (taps - 1) * dilation + 1 - size
        same = options.padding == schema.Padding.SAME
        return _Axis(
            stride=stride,
            dilation=dilation,
            taps=taps,
            front=max(missing, 0) // 2 if same else 0,
        )


def _padded(x: np.ndarray, rows: _Axis, columns: _Axis, last_y: int, last_z: int) -> np.ndarray:
    ends = [
        max(0, last - axis.front - size + 1)
        for last, axis, size in ((last_y, rows, x.shape[1]), (last_z, columns, x.shape[2]))
    ]
    return np.pad(
        x.astype(np.float32, copy=False),
        ((0, 0), (rows.front, ends[0]), (columns.front, ends[1]), (0, 0)),
    )
