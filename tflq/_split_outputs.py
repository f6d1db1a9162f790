"""Writes what a model joins at its end as outputs of their own.

Boxes and scores in one output have one scale; apart, each has its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from tflq._errors import UserError
from tflq._float_model import FloatModel, Reference
from tflq.tflite_side import Graph, ending_in


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A tensor and, where it is a concatenation, what it joins along which axis."""

    tensor: int
    axis: int = 0
    size: int = 0
    parts: "tuple[_Part, ...]" = ()

    def leaves(self) -> "tuple[_Part, ...]":
        return tuple(leaf for part in self.parts for leaf in part.leaves()) or (self,)

    def split(self, value: np.ndarray) -> list[np.ndarray]:
        """The values of the leaves."""
        if not self.parts:
            return [value]
        ends = list(accumulate(part.size for part in self.parts))[:-1]
        pairs = zip(self.parts, np.split(value, ends, axis=self.axis), strict=True)
        return [leaf for part, piece in pairs for leaf in part.split(piece)]


def split_outputs(model: FloatModel) -> FloatModel:
    """Hands out what an output's last op joins, and what that joins, in place of the output.

    Args:
        model: the converted model.

    Returns:
        The model with an output for each of what they join, `NAME_0`, `NAME_1` and so on.

    Raises:
        UserError: no output is a concatenation.
    """
    graph = Graph.from_bytes(model.tflite)
    trees = [_part(graph, tensor) for tensor in graph.outputs]
    if not any(tree.parts for tree in trees):
        raise UserError(
            f"split_outputs=True: no output of {model.source} is a concatenation "
            f"({', '.join(model.outputs)}); leave it out."
        )
    content = ending_in(graph, [leaf.tensor for tree in trees for leaf in tree.leaves()])
    return replace(
        model,
        tflite=content,
        outputs=_names(model.outputs, trees),
        reference=None if model.reference is None else _split_reference(model.reference, trees),
    )


def _part(graph: Graph, tensor: int) -> _Part:
    op = graph.producer.get(tensor)
    whole = _Part(tensor=tensor)
    if op is None or op.kind != "CONCATENATION" or len(set(op.inputs)) < len(op.inputs):
        return whole
    axis = int(op.options.axis) % len(graph.tensors[tensor].shape)
    sizes = [graph.tensors[given].shape[axis] for given in op.inputs]
    stored = any(graph.tensors[given].is_constant for given in op.inputs)
    if stored or op.options.fusedActivationFunction or None in sizes or len(sizes) < 2:
        return whole
    parts = (
        replace(_part(graph, given), size=size)
        for given, size in zip(op.inputs, sizes, strict=True)
        if size is not None
    )
    return _Part(tensor=tensor, axis=axis, parts=tuple(parts))


def _names(outputs: Sequence[str], trees: Sequence[_Part]) -> tuple[str, ...]:
    names = []
    for name, tree in zip(outputs, trees, strict=True):
        count = len(tree.leaves())
        names += [name] if count == 1 else [f"{name}_{k}" for k in range(count)]
    return tuple(names)


def _split_reference(reference: Reference, trees: Sequence[_Part]) -> Reference:
    def split(sample: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        pairs = zip(trees, reference(sample), strict=True)
        return [leaf for tree, value in pairs for leaf in tree.split(np.asarray(value))]

    return split
