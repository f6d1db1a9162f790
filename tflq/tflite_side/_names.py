"""The names by which a user may call an activation."""

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from tflq._errors import UserError
from tflq.tflite_side._graph import Graph

LayerOf = Callable[[str], str | None]


class Names:
    """Labels and aliases of the tensors of one graph.

    The converter names a fused tensor by the paths of all that was fused, such as
    `net/relu/Relu6;net/conv/convolution`; the first path is the layer whose output it is.

    Args:
        graph: the float graph.
        doors: the user's names of inputs and outputs, by tensor index.
        layer_of: from one part of a path to a layer's name, None where it is no layer's.
    """

    def __init__(self, graph: Graph, doors: Mapping[int, str], layer_of: LayerOf):
        self._graph = graph
        self._doors = doors
        self._layer_of = layer_of

    def label(self, index: int) -> str:
        """A short name for tables: the user's for a door, else the layer's."""
        if index in self._doors:
            return self._doors[index]
        name = self._graph.tensors[index].name
        layers = self._layers(name.split(";")[0])
        return "/".join(layers) if layers else name.split(";")[0]

    def unique_labels(self, indices: Iterable[int]) -> dict[int, str]:
        """Labels that tell tensors apart: where a layer has several, all have their own names."""
        labels = {index: self.label(index) for index in indices}
        counts = Counter(labels.values())
        return {
            index: label if counts[label] == 1 else self._graph.tensors[index].name
            for index, label in labels.items()
        }

    def aliases(self, index: int) -> frozenset[str]:
        """Every name that means the tensor: its own, its door's, its layers'."""
        name = self._graph.tensors[index].name
        layers = (layer for path in name.split(";") for layer in self._layers(path))
        return frozenset({name, self.label(index), *layers})

    def match(self, patterns: Mapping[str, str], *, argument: str) -> dict[int, str]:
        """Resolves `{name or pattern: value}` to `{tensor index: value}`; later ones win.

        Raises:
            UserError: a pattern matches no activation.
        """
        activations = {t.index: self.aliases(t.index) for t in self._graph.tensors}
        values: dict[int, str] = {}
        for pattern, value in patterns.items():
            fits = partial(fnmatch.fnmatchcase, pat=pattern)
            found = [index for index, names in activations.items() if any(map(fits, names))]
            if not found:
                some = dict.fromkeys(self.label(t) for op in self._graph.ops for t in op.outputs)
                raise UserError(
                    f"{argument}: {pattern!r} matches no activation; there are, for instance: "
                    f"{', '.join(list(some)[:12])}."
                )
            values.update(dict.fromkeys(found, value))
        return values

    def _layers(self, path: str) -> list[str]:
        found = (self._layer_of(part) for part in path.split("/"))
        return list(dict.fromkeys(layer for layer in found if layer))
