"""New layers and calls for a graph."""

import itertools
from typing import Any

from tflq.keras_side import KerasGraph, Layer, Node, live_config, single_argument


class Namer:
    """Gives new layers names that no other has."""

    def __init__(self, graph: KerasGraph):
        self._taken = {node.layer.name for node in graph.nodes}
        self._taken |= {config["name"] for config in graph.inputs.values()}

    def __call__(self, wanted: str) -> str:
        """`wanted`, with a number where it is taken."""
        names = itertools.chain((wanted,), (f"{wanted}_{i}" for i in itertools.count(1)))
        name = next(name for name in names if name not in self._taken)
        self._taken.add(name)
        return name


def made_layer(layer: Any, part_of: Layer | None = None) -> Layer:
    """A Keras layer without weights, for the graph."""
    return Layer(
        name=layer.name,
        cls=type(layer),
        config=live_config(layer),
        weights=[],
        source=part_of.source if part_of else layer,
        part_of=part_of.part_of if part_of else None,
    )


def call_of(layer: Layer, source: int, output: int) -> Node:
    """A call with one input and one output."""
    return Node(layer=layer, inputs=[source], outputs=[output], arguments=single_argument)
