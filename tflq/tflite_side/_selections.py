"""Outputs of which an op writes only a part."""

from collections.abc import Sequence

import numpy as np

from tflq.tflite_side._graph import Graph

_SELECTION = "TFLite_Detection_PostProcess"


class Selections:
    """The boxes that a model selects: rows beyond their count hold what memory held before.

    Args:
        content: a .tflite.
    """

    def __init__(self, content: bytes):
        # Parsing takes longer than most models run.
        graph = Graph.from_bytes(content) if _SELECTION.encode() in content else None
        ops = graph.ops if graph is not None else ()
        self._rows = [op.outputs for op in ops if op.kind == _SELECTION]

    def cleared(self, tensors: Sequence[int], values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Values of tensors, with 0 in all that was not written."""
        counts = {
            row: int(values[tensors.index(count)].reshape(-1)[0])
            for *rows, count in self._rows
            if count in tensors
            for row in rows
        }
        pairs = zip(tensors, values, strict=True)
        return [_first_rows(value, counts[t]) if t in counts else value for t, value in pairs]


def _first_rows(value: np.ndarray, count: int) -> np.ndarray:
    written = np.arange(value.shape[1]) < count
    kept: np.ndarray = np.where(written.reshape(-1, *[1] * (value.ndim - 2)), value, 0)
    return kept.astype(value.dtype)
