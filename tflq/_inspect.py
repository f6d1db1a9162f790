"""Shows what a .tflite holds: every tensor's dtype, scale, zero point and range."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tflq._report import facts_table, interval
from tflq._tables import text_table, to_json
from tflq.targets import TargetReport, check_targets, judge
from tflq.tflite_side import FileFacts, Graph, Tensor, probe, read_bytes, read_facts

_LIMITS = {"int4": (-8, 7), "int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


@dataclass(frozen=True, kw_only=True)
class TensorFacts:
    """One tensor of a file.

    Attributes:
        index, name, dtype: as stored.
        shape: None where the size is only known at run time.
        constant: stored in the file, as weights are.
        scales: how many scales it has: 0 for float, 1 per tensor, else one a channel.
        scale: the smallest and the largest scale.
        zero_point: the smallest and the largest zero point.
        range: the smallest and the largest value it can hold.
    """

    index: int
    name: str
    dtype: str
    shape: tuple[int | None, ...]
    constant: bool
    scales: int
    scale: tuple[float, float] | None
    zero_point: tuple[int, int] | None
    range: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a .tflite holds.

    Attributes:
        path: the file.
        tensors: all tensors of the main graph.
        facts: size, ops, float islands and what XNNPACK takes.
        targets: what each target that was asked for takes, and what it does not.
    """

    path: str
    tensors: tuple[TensorFacts, ...]
    facts: FileFacts
    targets: tuple[TargetReport, ...] = ()

    def __str__(self) -> str:
        """Tables for the terminal."""
        columns = ("tensor", "dtype", "shape", "scale", "zero point", "range")
        rows = [
            (
                f"{t.index} {t.name.split(';')[0]}",
                t.dtype,
                "x".join("?" if n is None else str(n) for n in t.shape) or "scalar",
                "" if t.scale is None else _span(t.scale, t.scales),
                "" if t.zero_point is None else _span(t.zero_point, t.scales),
                "" if t.range is None else interval(t.range),
            )
            for t in self.tensors
        ]
        parts = (text_table(self.path, columns, rows), facts_table(self.facts))
        return "\n\n".join((*parts, *map(str, self.targets)))

    def to_json(self) -> str:
        """The inspection as JSON."""
        return to_json(self)


def inspect(
    path: str | os.PathLike[str], *, target: str | Sequence[str] | None = None
) -> Inspection:
    """Reads a .tflite, quantized or not, and tells what targets would take of it.

    Args:
        path: the file.
        target: "xnnpack", "nnapi", "gpu", "edgetpu", or several, as a list or with commas; each op
            that one does not take is named, with the reason and what to change. "nnapi:10" is what
            NNAPI takes on Android 10, "nnapi" tells for each op the first Android that takes it.

    Returns:
        An `Inspection`; `print` shows it as tables.

    Raises:
        UserError: the file is missing, damaged, or does not run; a target is unknown.

    Example:
        >>> import keras, numpy as np, tempfile, tflq
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/model.tflite"
        ...     _ = tflq.export(model, path, data=np.eye(8, dtype="float32"))
        ...     inspection = tflq.inspect(path, target="gpu")
        >>> sorted({tensor.dtype for tensor in inspection.tensors})
        ['int8']
        >>> [op.kind for op in inspection.targets[0].taken]
        ['FULLY_CONNECTED']
    """
    names = () if target is None else check_targets(target)
    content = read_bytes(path)
    graph = Graph.from_bytes(content, name=f"model file {os.fspath(path)!r}")
    probe(path)
    return Inspection(
        path=os.fspath(path),
        tensors=tuple(_facts(tensor) for tensor in graph.tensors),
        facts=read_facts(content),
        targets=tuple(judge(graph, content, name) for name in names),
    )


def _facts(tensor: Tensor) -> TensorFacts:
    held = tensor.quantization
    scale = zero_point = limits = None
    if held is not None:
        scale = float(held.scale.min()), float(held.scale.max())
        zero_point = int(held.zero_point.min()), int(held.zero_point.max())
        if tensor.dtype in _LIMITS:
            low, high = _LIMITS[tensor.dtype]
            scales = held.scale.astype(np.float64)
            limits = (
                float((scales * (low - held.zero_point)).min()),
                float((scales * (high - held.zero_point)).max()),
            )
    return TensorFacts(
        index=tensor.index,
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.shape,
        constant=tensor.is_constant,
        scales=0 if held is None else held.scale.size,
        scale=scale,
        zero_point=zero_point,
        range=limits,
    )


def _span(ends: tuple[float, float], count: int) -> str:
    if ends[0] == ends[1]:
        return f"{ends[0]:.4g}"
    return f"{ends[0]:.3g} .. {ends[1]:.3g} ({count})"
