"""The Keras side's methods on one model, one after another."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tflq.keras_side._absorb import absorb_biases, outputs_to_measure
from tflq.keras_side._build import build_model, keras_of
from tflq.keras_side._equalize import Equalization, equalize
from tflq.keras_side._extremes import measure_extremes
from tflq.keras_side._fold import Folding, fold_batch_norms
from tflq.keras_side._graph import read_graph
from tflq.keras_side._kernels import has_kernel, kernel_of
from tflq.keras_side._links import find_links
from tflq.keras_side._moments import Expectations, expect, expected_reach
from tflq.keras_side._separable import split_separables

Samples = Iterable[Mapping[str, np.ndarray]] | None

# How much unseen data may exceed what was seen or expected.
_MARGIN = 2.0


class Rewriting:
    """A model whose batch normalizations are folded, and what else is done to it.

    Args:
        model: functional or Sequential, of Keras 3 or tf_keras; it is left as it is.

    Attributes:
        folding: what became of the batch normalizations.

    Raises:
        UserError: only the model's own code knows its graph, or a layer cannot be rebuilt.
    """

    def __init__(self, model: Any):
        self._graph = read_graph(model)
        self._keras = keras_of(self._graph)
        split_separables(self._graph, self._keras)
        self.folding: Folding = fold_batch_norms(self._graph)

    def equalize(self, samples: Samples, *, bits: int, per_channel: bool) -> Equalization:
        """Cross-layer equalization; see `_equalize`.

        What reaches a cap is measured; without samples, batch normalization tells it.
        """
        if samples is None:
            highest = expected_reach(self._graph)
        else:
            caps = [c.node.outputs[0] for link in find_links(self._graph).links for c in link.caps]
            extremes = measure_extremes(self._graph, list(dict.fromkeys(caps)), samples)
            highest = {tensor: high for tensor, (_, high) in extremes.items()}
        reach = {tensor: _MARGIN * high for tensor, high in highest.items()}
        return equalize(self._graph, self._keras, reach=reach, bits=bits, per_channel=per_channel)

    def absorb(self, samples: Samples) -> dict[str, np.ndarray]:
        """High-bias absorption; see `_absorb`."""
        if samples is None:
            return absorb_biases(self._graph, None)
        wanted = outputs_to_measure(self._graph)
        return absorb_biases(self._graph, measure_extremes(self._graph, wanted, samples))

    def expect(self, input_ranges: Mapping[str, tuple[float, float]]) -> Expectations:
        """What batch normalization tells of activations; see `_moments`."""
        return expect(self._graph, input_ranges)

    def weight_ranges(self) -> dict[str, np.ndarray]:
        """By layer, the largest absolute weight of each output channel."""
        return {
            layer.name: np.abs(kernel_of(layer)).max(axis=(0, 2)).reshape(-1)
            for layer in self._graph.calls()
            if has_kernel(layer)
        }

    def build(self) -> Any:
        """A new Keras model of what has been done so far."""
        return build_model(self._graph)
