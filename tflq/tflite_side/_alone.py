"""What becomes of a network's outputs when one of its layers alone is quantized.

All that is before a layer computes the same whichever layer is quantized, so it runs once: the
float network goes on op by op over all samples, and at each layer only the rest of it runs anew.
That is half a network a layer, in place of writing a file and running it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tflq._progress import track
from tflq.affine import Affine
from tflq.tflite_side._activation_store import ActivationStore
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._kernel_rules import SAME_SCALE
from tflq.tflite_side._plan import Plan, round_weights
from tflq.tflite_side._rest import live_tensors, rest
from tflq.tflite_side._simulation import check_stateless, run_all
from tflq.tflite_side._single_op import computed_inputs, single_op
from tflq.tflite_side._weights import weighted_ops, weights_of

Outputs = list[list[np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Something that quantization changes.

    Attributes:
        op: index of the op; -1 for an input of the graph.
        tensors: what is quantized: outputs of the op, or the input.
        kind: of the op; "INPUT" for an input.
        weighted: whether weights are quantized too.
    """

    op: int
    tensors: tuple[int, ...]
    kind: str
    weighted: bool


def quantized_layers(graph: Graph, plan: Plan) -> tuple[Layer, ...]:
    """The inputs and ops that a plan quantizes, in order.

    Ops that only move values, whose outputs have the scale of their inputs, change nothing.
    """
    doors = [
        Layer(op=-1, tensors=(tensor,), kind="INPUT", weighted=False)
        for tensor in graph.inputs
        if tensor in plan.doors
    ]
    weighted = {op.index for op in weighted_ops(graph) if weights_of(graph, op) in plan.bits}
    ops = [
        Layer(op=op.index, tensors=tensors, kind=op.kind, weighted=op.index in weighted)
        for op in graph.ops
        if op.kind not in SAME_SCALE
        and (tensors := _changed(op, plan, weighted=op.index in weighted))
    ]
    return (*doors, *ops)


def _changed(op: Op, plan: Plan, *, weighted: bool) -> tuple[int, ...]:
    """The outputs that become others: an op of several may have some that nothing reads."""
    return op.outputs if weighted else tuple(t for t in op.outputs if t in plan.doors)


class Alone:
    """Runs a float network with one layer quantized.

    Args:
        graph: the normalized float graph.
        plan: how it is to be quantized.
        samples: the arrays of the graph's inputs, sample by sample, all of one shape.
        constants: weights that were decided, by tensor index; others are rounded to nearest.

    Raises:
        UserError: the graph keeps state between calls.
    """

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        samples: Sequence[Sequence[np.ndarray]],
        constants: Mapping[int, np.ndarray],
    ):
        check_stateless(graph, "quantize its layers without ranking them")
        self._graph, self._plan, self._samples = graph, plan, samples
        self._constants = constants
        self._weights = {op.index: weights_of(graph, op) for op in weighted_ops(graph)}
        self._store = ActivationStore()

    def run(self, layers: Sequence[Layer]) -> Iterator[tuple[Layer, Outputs, Outputs | None]]:
        """Goes through the network once.

        Args:
            layers: of `quantized_layers`, in its order.

        Yields:
            A layer, the outputs of all samples where it is quantized, and those where of it only
            the weights are, for layers that have any.
        """
        graph, wanted = self._graph, {layer.op: layer for layer in layers if layer.op >= 0}
        with self._store as store:
            for position, tensor in enumerate(graph.inputs):
                values = ([sample[position]] for sample in self._samples)
                store.put([tensor], values, len(self._samples))
            for layer in layers:
                if layer.op < 0:
                    yield layer, self._from_input(layer), None
            for op in track(graph.ops, description="layers", total=len(graph.ops), unit="layers"):
                if op.index in wanted:
                    layer = wanted[op.index]
                    weights = self._from(op, {}) if layer.weighted else None
                    yield layer, self._from(op, self._plan.doors), weights
                self._advance(op)

    def reference(self) -> Outputs:
        """What the float network computes."""
        return self._whole({})

    def _from_input(self, layer: Layer) -> Outputs:
        return self._whole({tensor: self._plan.doors[tensor] for tensor in layer.tensors})

    def _whole(self, doors: Mapping[int, Affine]) -> Outputs:
        """The float network, of whose inputs some are quantized."""
        graph = self._graph
        # In the order of `rest`, which has not the inputs that nothing reads.
        places = [(graph.inputs.index(t), doors.get(t)) for t in live_tensors(graph, 0)]
        feeds = (
            [sample[i] if door is None else _faked(sample[i], door) for i, door in places]
            for sample in self._samples
        )
        return list(run_all(rest(graph, 0), feeds))

    def _from(self, op: Op, doors: Mapping[int, Affine]) -> Outputs:
        """The op with its weights as they will be, its outputs quantized, then all after it."""
        graph, store = self._graph, self._store
        content = single_op(graph, op, doors={}, constants=self._decided(op))
        made = run_all(content, self._feeds(computed_inputs(graph, op)))
        changed = (
            {
                tensor: _faked(value, doors[tensor]) if tensor in doors else value
                for tensor, value in zip(op.outputs, values, strict=True)
            }
            for values in made
        )
        live = live_tensors(graph, op.index + 1)
        if op.index + 1 == len(graph.ops):
            return [
                [values[t] if t in values else store[t][i] for t in graph.outputs]
                for i, values in enumerate(changed)
            ]
        feeds = (
            [values[t] if t in values else store[t][i] for t in live]
            for i, values in enumerate(changed)
        )
        return list(run_all(rest(graph, op.index + 1), feeds))

    def _decided(self, op: Op) -> dict[int, np.ndarray]:
        graph = self._graph
        decided = {t: self._constants[t] for t in op.inputs if t in self._constants}
        weights = self._weights.get(op.index, -1)
        if weights in self._plan.bits and weights not in decided:
            decided[weights] = round_weights(graph, op, self._plan)
        return decided

    def _advance(self, op: Op) -> None:
        graph, store = self._graph, self._store
        given = computed_inputs(graph, op)
        content = single_op(graph, op, doors={}, constants={})
        store.put(op.outputs, run_all(content, self._feeds(given)), len(self._samples))
        needed = set(live_tensors(graph, op.index + 1))
        for tensor in {*given, *op.outputs} - needed:
            store.drop(tensor)

    def _feeds(self, tensors: Sequence[int]) -> Iterator[list[np.ndarray]]:
        return ([self._store[t][i] for t in tensors] for i in range(len(self._samples)))


def _faked(value: np.ndarray, door: Affine) -> np.ndarray:
    return door.dequantize(door.quantize(value))
