"""All that is known of each layer that quantization changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflq._candidate import Candidate
from tflq._layer_effects import LayerEffect, LayerEffects
from tflq._verify import Sample
from tflq.diagnosis._accumulated import AccumulatedError, accumulated_errors
from tflq.diagnosis._activation import ActivationRange, activation_range
from tflq.diagnosis._numbers import noise
from tflq.diagnosis._weights import WeightRanges, weight_ranges
from tflq.tflite_side import SLOTS, Graph, same_activations, weights_of


@dataclass(frozen=True, kw_only=True)
class StoredActivation:
    """An activation as the file holds it; scale and zero point are None in float32."""

    dtype: str
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """A layer, or an input, that quantization changes.

    Attributes:
        layer: its name, as `scheme_for` takes it.
        kind: of its op; "INPUT" for an input.
        op: place of the op in the float graph; -1 for an input.
        alone_db: SQNR of the model's outputs with this layer alone quantized, in dB.
        weights_db: the same with its weights alone quantized; None without weights.
        share: of the noise that all layers make, each one alone.
        weights_share: what its weights have of its own noise.
        accumulated: error of its activation in the file, all before it included; None where the
            file has no such activation.
        stored: its activation in the file; None likewise.
        activation: its float values and their range; None where it stays float or without data.
        weights: ranges of its weights; None without weights that are quantized.
    """

    layer: str
    kind: str
    op: int
    alone_db: float
    weights_db: float | None
    share: float
    weights_share: float
    accumulated: AccumulatedError | None
    stored: StoredActivation | None
    activation: ActivationRange | None
    weights: WeightRanges | None


def layer_reports(
    candidate: Candidate, content: bytes, samples: Sequence[Sample]
) -> tuple[LayerReport, ...]:
    """Measures every layer.

    Args:
        candidate: the float model and all that was decided.
        content: the file made of it.
        samples: to measure on, all of one shape.

    Returns:
        The layer that does most harm first.

    Raises:
        UserError: the model keeps state between calls.
    """
    effects = list(LayerEffects(candidate, samples).measure())
    errors = accumulated_errors(candidate, content, samples, [e.tensor for e in effects])
    reader = _Reader(candidate, Graph.from_bytes(content), errors)
    total = sum(noise(effect.sqnr_db) for effect in effects) or 1.0
    found = [reader.report(effect, total) for effect in effects]
    return tuple(sorted(found, key=lambda layer: layer.alone_db))


class _Reader:
    """Looks up what is known of a layer."""

    def __init__(
        self, candidate: Candidate, quantized: Graph, errors: Mapping[int, AccumulatedError]
    ):
        self._candidate, self._quantized, self._errors = candidate, quantized, errors
        self._plan = candidate.rounding_plan

    def report(self, effect: LayerEffect, total: float) -> LayerReport:
        own = noise(effect.sqnr_db)
        of_weights = 0.0 if effect.weights_sqnr_db is None else noise(effect.weights_sqnr_db)
        return LayerReport(
            layer=effect.layer,
            kind=effect.kind,
            op=effect.op,
            alone_db=effect.sqnr_db,
            weights_db=effect.weights_sqnr_db,
            share=own / total,
            weights_share=min(1.0, of_weights / own),
            accumulated=self._errors.get(effect.tensor),
            stored=self._stored(effect.tensor),
            activation=self._activation(effect.tensor),
            weights=self._weights(effect.op),
        )

    def _stored(self, tensor: int) -> StoredActivation | None:
        graph = self._candidate.plain.graph
        held = same_activations(graph, self._quantized, [tensor]).get(tensor)
        if held is None:
            return None
        if held.quantization is None:
            return StoredActivation(dtype=held.dtype, scale=None, zero_point=None)
        return StoredActivation(
            dtype=held.dtype,
            scale=float(held.quantization.scale[0]),
            zero_point=int(held.quantization.zero_point[0]),
        )

    def _activation(self, tensor: int) -> ActivationRange | None:
        door = self._plan.doors.get(tensor)
        histogram = self._candidate.histograms.get(tensor)
        if door is None or histogram is None or not histogram.count:
            return None
        low, high = door.range
        origin = self._candidate.plan.origin[tensor]
        return activation_range(histogram, (float(low), float(high)), origin=origin, bits=door.bits)

    def _weights(self, op: int) -> WeightRanges | None:
        graph = self._candidate.plain.graph
        if op < 0 or graph.ops[op].kind not in SLOTS:
            return None
        index = weights_of(graph, graph.ops[op])
        if index not in self._plan.bits:
            return None
        return weight_ranges(
            graph,
            graph.ops[op],
            bits=self._plan.bits[index],
            scales=self._plan.bounds[index].size,
            constants=self._candidate.constants,
        )
