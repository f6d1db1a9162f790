"""The names by which a user may call an activation."""

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from tflq._errors import UserError
from tflq.tflite_side._graph import Graph, Op

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

    def own_labels(self, indices: Iterable[int]) -> dict[int, str]:
        """Names that `match` finds their tensor by, and no other op's output."""
        owners = Counter(name for op in self._graph.ops for name in self._aliases_of(op))
        return {
            index: label if owners[label := self.label(index)] <= 1 else self._name(index)
            for index in indices
        }

    def match(
        self, patterns: Mapping[str, str], *, argument: str, original: "Names | None" = None
    ) -> dict[int, str]:
        """Resolves `{name or pattern: value}` to `{tensor index: value}`; later ones win.

        Args:
            patterns: what the user gave; a name that there is, is no pattern.
            argument: the argument, for messages.
            original: names that the user knows, where this graph is of a rewritten model, some of
                whose layers have gone.

        Raises:
            UserError: a pattern matches no activation.
        """
        known = original or self
        meant = {index: known.aliases(index) for index in range(len(known._graph.tensors))}
        everything = frozenset().union(*meant.values())
        values: dict[int, str] = {}
        for pattern, value in patterns.items():
            fits = pattern.__eq__ if pattern in everything else partial(_fits, pattern)
            found = [index for index, names in meant.items() if any(map(fits, names))]
            if not found:
                raise UserError(
                    f"{argument}: {pattern!r} matches no activation; there are, for instance: "
                    f"{known._some()}."
                )
            if original is not None:
                found = self._same(frozenset().union(*(meant[index] for index in found)))
            values.update(dict.fromkeys(found, value))
        return values

    def _same(self, aliases: frozenset[str]) -> list[int]:
        count = len(self._graph.tensors)
        return [index for index in range(count) if not aliases.isdisjoint(self.aliases(index))]

    def _some(self) -> str:
        made = dict.fromkeys(self.label(t) for op in self._graph.ops for t in op.outputs)
        return ", ".join(list(made)[:12])

    def _aliases_of(self, op: Op) -> frozenset[str]:
        return frozenset().union(*map(self.aliases, op.outputs))

    def _name(self, index: int) -> str:
        return self._graph.tensors[index].name

    def _layers(self, path: str) -> list[str]:
        found = (self._layer_of(part) for part in path.split("/"))
        return list(dict.fromkeys(layer for layer in found if layer))


def _fits(pattern: str, name: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern)
