"""Rectifiers that several layers each have of one tensor become one.

Converters merge what computes the same, and fuse the one that is left into the kernel before it.
"""

from tflq.keras_side import KerasGraph, Node
from tflq.qat._plan import Clamp, clamp_of


def merge_clamps(graph: KerasGraph) -> None:
    """Merges equal clamps of one tensor, in place; those whose results are outputs stay."""
    kept: dict[tuple[int, Clamp], Node] = {}
    for node in list(graph.nodes):
        clamp = clamp_of(node.layer)
        if clamp is None or node.outputs[0] in graph.outputs:
            continue
        first = kept.setdefault((node.inputs[0], clamp), node)
        if first is not node:
            graph.nodes.remove(node)
            for reader in graph.nodes:
                reader.inputs = [
                    first.outputs[0] if t == node.outputs[0] else t for t in reader.inputs
                ]
