"""Decides weights and biases layer by layer, each knowing what reaches it once quantized."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._errors import UserError
from tflq.data import InputSpec
from tflq.tflite_side._adaround import adaround
from tflq.tflite_side._bias_correction import empirical_shift
from tflq.tflite_side._checkpoint import Checkpoint
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._layer_problem import LayerProblem, Rounded
from tflq.tflite_side._least_squares import least_squares
from tflq.tflite_side._plan import Plan, round_weights, shared
from tflq.tflite_side._simulation import Constants, Reader, simulate
from tflq.tflite_side._single_op import computed_inputs
from tflq.tflite_side._targets import Targets
from tflq.tflite_side._weights import SLOTS, bias_of, weighted_ops, weights_of
from tflq.tflite_side._windows import SUPPORTED, Windows

ROUNDINGS: dict[str, Callable[[LayerProblem], Rounded]] = {
    "adaround": adaround,
    "least_squares": least_squares,
}

_LIMITS = {
    schema.ActivationFunctionType.RELU: (0.0, np.inf),
    schema.ActivationFunctionType.RELU6: (0.0, 6.0),
    schema.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Refined:
    """What was decided.

    Attributes:
        constants: weights, as the values their codes stand for, and biases, by tensor index.
        bounds: as in the plan, with the scales that were learned.
    """

    constants: Constants
    bounds: dict[int, np.ndarray]


def refine(
    content: bytes,
    plan: Plan,
    samples: Sequence[Mapping[str, np.ndarray]],
    inputs: Sequence[InputSpec],
    *,
    rounding: str,
    checkpoint: Checkpoint | None = None,
) -> Refined:
    """Rounds weights and corrects biases for it, from the first layer to the last.

    Args:
        content: the normalized float .tflite.
        plan: how it is to be quantized.
        samples: unlabelled samples, arrays by input name, all of one shape.
        inputs: the model's inputs.
        rounding: "nearest", or one of `ROUNDINGS`.
        checkpoint: where to keep solved layers.

    Raises:
        UserError: the network keeps state, or the samples' shapes differ.
    """
    _check_shapes(samples)
    graph = Graph.from_bytes(content)
    job = _Refinement(graph, plan, rounding, checkpoint)
    if rounding != "nearest":
        job.learn_from(content, samples, inputs)
    arrays = [[sample[spec.name] for spec in inputs] for sample in samples]
    description = "correcting biases" if rounding == "nearest" else "rounding weights"
    constants = simulate(graph, arrays, plan.doors, job.decide, description=description)
    return Refined(constants=constants, bounds=job.bounds)


def _check_shapes(samples: Sequence[Mapping[str, np.ndarray]]) -> None:
    for name, first in samples[0].items():
        for sample in samples:
            if sample[name].shape != first.shape:
                raise UserError(
                    f"samples of shapes {first.shape} and {sample[name].shape} came; "
                    "bias_correction='empirical' and rounding need samples of one shape."
                )


class _Refinement:
    def __init__(self, graph: Graph, plan: Plan, rounding: str, checkpoint: Checkpoint | None):
        self._graph, self._plan, self._rounding = graph, plan, rounding
        self._checkpoint = checkpoint
        self.bounds = dict(plan.bounds)
        self._targets: Targets | None = None
        # What reads a constant or a state has no inputs to learn from.
        self._weighted = {
            op.index
            for op in weighted_ops(graph)
            if op.inputs[SLOTS[op.kind].data] in computed_inputs(graph, op)
        }

    def learn_from(
        self,
        content: bytes,
        samples: Sequence[Mapping[str, np.ndarray]],
        inputs: Sequence[InputSpec],
    ) -> None:
        """Runs the float network for what each layer should compute."""
        graph = self._graph
        ops = [op for op in graph.ops if self._learns(op)]
        widths = {
            op.index: graph.constant(weights_of(graph, op)).size
            // graph.constant(weights_of(graph, op)).shape[SLOTS[op.kind].channel_axis]
            for op in ops
        }
        self._targets = Targets(content, graph, ops, widths, samples, inputs)

    def decide(self, op: Op, reader: Reader) -> Constants:
        """Weights and bias of one op."""
        if op.index not in self._weighted or weights_of(self._graph, op) not in self._plan.bits:
            return {}
        index, bias = weights_of(self._graph, op), bias_of(self._graph, op)
        if self._targets is not None and self._learns(op):
            weights = self._learn(op, reader)
        else:
            weights = round_weights(self._graph, op, self._plan)
        constants = {index: weights}
        if bias is not None and not shared(self._graph, bias):
            data = op.inputs[SLOTS[op.kind].data]
            shift = empirical_shift(self._graph, op, weights, reader.mean(data))
            old = self._graph.constant(bias)
            constants[bias] = (old - shift.reshape(old.shape)).astype(np.float32)
        return constants

    def _learns(self, op: Op) -> bool:
        return (
            op.index in self._weighted
            and op.kind in SUPPORTED
            and weights_of(self._graph, op) in self._plan.bits
            and not shared(self._graph, weights_of(self._graph, op))
            and bias_of(self._graph, op) is not None
        )

    def _learn(self, op: Op, reader: Reader) -> np.ndarray:
        problem, windows = self._problem(op, reader)
        solve, stored = ROUNDINGS[self._rounding], self._checkpoint
        rounded = None if stored is None else stored.load(self._rounding, problem)
        if rounded is None:
            rounded = solve(problem)
            if stored is not None:
                stored.save(self._rounding, problem, rounded)
        index = weights_of(self._graph, op)
        bound = rounded.scale.astype(np.float64).reshape(-1) * problem.highest
        self.bounds[index] = bound if problem.per_channel else bound[:1]
        return windows.weights((rounded.codes * rounded.scale).astype(np.float32))

    def _problem(self, op: Op, reader: Reader) -> tuple[LayerProblem, Windows]:
        assert self._targets is not None
        graph, windows = self._graph, Windows(self._graph, op)
        index, bias, data = weights_of(graph, op), bias_of(graph, op), op.inputs[0]
        assert bias is not None
        places, shape = self._targets.places(op), self._targets.shape(op)
        channels = graph.tensors[data].shape[-1]
        weights = windows.matrix(graph.constant(index), int(channels or 0))
        groups, width, outputs = weights.shape
        # Filled and centred in place: these are the largest arrays of all.
        by_sample = np.empty((groups, len(places), len(places[0]), width), np.float32)
        for sample, (x, at) in enumerate(zip(reader.values(data), places, strict=True)):
            by_sample[:, sample] = windows.rows(x, shape, at)
        rows = by_sample.reshape(groups, -1, width)
        mean = rows.mean(axis=1, keepdims=True)
        rows -= mean
        target = self._targets.values(op).reshape(-1, groups, outputs).swapaxes(0, 1)
        scale, highest = self._plan.grid(index)
        problem = LayerProblem(
            rows=rows,
            weights=np.ascontiguousarray(weights),
            bias=graph.constant(bias).reshape(groups, 1, outputs) + mean @ weights,
            target=np.ascontiguousarray(target),
            limits=_LIMITS.get(op.options.fusedActivationFunction, (-np.inf, np.inf)),
            scale=np.broadcast_to(scale, groups * outputs).reshape(groups, 1, outputs),
            highest=highest,
            per_channel=scale.size > 1 or groups * outputs == 1,
        )
        return problem, windows
