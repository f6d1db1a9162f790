"""What each layer alone does to the outputs when it is quantized."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tflq._calibrate import names_of
from tflq._candidate import Candidate
from tflq._errors import UserError
from tflq._fidelity import noise_share
from tflq._metric import Evaluation, Metric, Score
from tflq._verify import Sample
from tflq.tflite_side import (
    Alone,
    Layer,
    Noise,
    quantized_layers,
    return_order,
    weighted_ops,
    weights_of,
)

# Samples to measure on: more hardly change the order.
ENOUGH = 32

SQNR = Metric(name="sqnr", unit="dB")

Outputs = Sequence[Sequence[np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class LayerEffect:
    """A network of which one layer is quantized.

    Attributes:
        layer: its name, as `scheme_for` takes it.
        kind: of the op; "INPUT" for an input.
        op: index of the op in the float file; -1 for an input.
        tensor: index of what the op makes.
        sqnr_db: of the outputs, mean over outputs, in dB.
        weights_sqnr_db: where of the layer only the weights are quantized; None without weights.
        parameters: how many weights it has.
        value: of the metric; None where that failed.
        error: why it failed.
    """

    layer: str
    kind: str
    op: int
    tensor: int
    sqnr_db: float
    weights_sqnr_db: float | None
    parameters: int
    value: float | None
    error: str = ""


class LayerEffects:
    """Quantizes a candidate's layers one at a time.

    Args:
        candidate: what decides the integers.
        samples: to judge with.
        metric: by what.
        labels: the right answers, one a sample, or None.
    """

    def __init__(
        self,
        candidate: Candidate,
        samples: Sequence[Sample],
        metric: Metric = SQNR,
        labels: np.ndarray | None = None,
    ):
        self._candidate, self._metric, self._labels = candidate, metric, labels
        self._graph, plan = candidate.plain.graph, candidate.rounding_plan
        self._layers = quantized_layers(self._graph, plan)
        names = names_of(candidate.source, candidate.plain)
        self._names = names.own_labels(layer.tensors[0] for layer in self._layers)
        self._parameters = {
            op.index: int(self._graph.constant(weights_of(self._graph, op)).size)
            for op in weighted_ops(self._graph)
            if self._graph.tensors[weights_of(self._graph, op)].is_constant
        }
        order = [spec.name for spec in candidate.source.inputs]
        arrays = [[sample[name] for name in order] for sample in samples]
        self._alone = Alone(self._graph, plan, arrays, candidate.constants)

    def measure(self, done: Collection[tuple[int, int]] = ()) -> Iterator[LayerEffect]:
        """Goes through the network.

        Args:
            done: op and tensor of layers that are left out.

        Yields:
            The effect of every other layer, in the order of the graph.
        """
        left = [layer for layer in self._layers if (layer.op, layer.tensors[0]) not in done]
        if not left:
            return
        reference = self._alone.reference()
        for layer, outputs, with_weights in self._alone.run(left):
            yield self._effect(layer, reference, outputs, with_weights)

    def ordered(
        self, effects: Sequence[LayerEffect], *, float_outputs: bool
    ) -> tuple[LayerEffect, ...]:
        """Those first that are best returned to float: by the metric, or by what SQNR is lost.

        Args:
            effects: of all layers.
            float_outputs: whether the file's outputs are float.
        """
        found = {(effect.op, effect.tensor): effect for effect in effects}
        noises = {effect.op: _noise(effect) for effect in effects if effect.op >= 0}
        ranked = [
            found[layer.op, layer.tensors[0]]
            for layer in return_order(
                self._graph, self._layers, noises, float_outputs=float_outputs
            )
        ]
        if self._metric.name != SQNR.name:
            ranked.sort(key=lambda effect: -np.inf if effect.value is None else effect.value)
        return tuple(ranked)

    def _effect(
        self, layer: Layer, reference: Outputs, outputs: Outputs, with_weights: Outputs | None
    ) -> LayerEffect:
        sqnr = self._score(SQNR, reference, outputs).sqnr_db
        value: float | None = sqnr
        error = ""
        if self._metric.name != SQNR.name:
            try:
                value = self._score(self._metric, reference, outputs).value
            except UserError as failed:
                value, error = None, str(failed)
        weights = None
        if with_weights is not None:
            weights = self._score(SQNR, reference, with_weights).sqnr_db
        return LayerEffect(
            layer=self._names[layer.tensors[0]],
            kind=layer.kind,
            op=layer.op,
            tensor=layer.tensors[0],
            sqnr_db=sqnr,
            weights_sqnr_db=weights,
            parameters=self._parameters[layer.op] if layer.weighted else 0,
            value=value,
            error=error,
        )

    def _score(self, metric: Metric, reference: Outputs, outputs: Outputs) -> Score:
        evaluation = Evaluation(metric, self._candidate.source.outputs)
        for index, pair in enumerate(zip(reference, outputs, strict=True)):
            labels = None if self._labels is None else self._labels[index]
            evaluation.update(index, *pair, labels)
        return evaluation.score()


def _noise(effect: LayerEffect) -> Noise:
    both, weights = noise_share(effect.sqnr_db), noise_share(effect.weights_sqnr_db)
    return Noise(weights=weights, activation=max(0.0, both - weights))
