"""A file's graph as a sequence of kernels."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tflq._errors import UserError
from tflq.integer._registry import Choice, choose
from tflq.integer._site import LIMITS, Codes, Place, Site, Value
from tflq.tflite_side import Graph, Op, cut_op

# What Python raises of shapes and constants that do not fit each other.
_MISFITS = (ValueError, TypeError, LookupError, ArithmeticError)


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One op, bound to its kernel."""

    op: Op
    site: Site
    choice: Choice

    def __call__(self, values: Sequence[Value]) -> list[Value]:
        """The outputs of inputs; those left out are None.

        Raises:
            UserError: the inputs have other shapes or values than the file tells.
        """
        try:
            return self.choice.function(self.site, values)
        except UserError:
            raise
        except (tf.errors.OpError, *_MISFITS) as error:
            # The runtime works shapes out anew and never looks at those in the file.
            raise UserError(
                f"op {self.op.index} ({self.op.kind}) of the .tflite gets other shapes or values "
                "than the file tells, so that it cannot be simulated; export it again."
            ) from error


class Program:
    """Evaluates a graph on many samples at once.

    Args:
        graph: of an integer .tflite.
        delegated: indices of the ops that XNNPACK evaluates.
        name: how messages call the file.

    Attributes:
        steps: the ops that depend on the inputs; the others are constants.

    Raises:
        UserError: an op has no kernel, or the file's shapes are open.
    """

    def __init__(self, graph: Graph, *, delegated: Collection[int], name: str):
        self.graph, self._delegated, self._name = graph, delegated, name
        self._places = [self._place(index) for index in range(len(graph.tensors))]
        _require_one_sample([self._places[i] for i in graph.inputs], name)
        steps = []
        for op in graph.ops:
            step = self._step(op)
            if not self._folded(step):
                steps.append(step)
        self.steps = tuple(steps)

    @property
    def inputs(self) -> tuple[Place, ...]:
        """The graph's inputs."""
        return tuple(self._places[i] for i in self.graph.inputs)

    @property
    def outputs(self) -> tuple[Place, ...]:
        """The graph's outputs."""
        return tuple(self._places[i] for i in self.graph.outputs)

    @property
    def approximate(self) -> dict[str, str]:
        """Kinds of ops without an exact kernel: how many there are, and why."""
        inexact = [step for step in self.steps if not step.choice.exact]
        counts = Counter(step.op.kind for step in inexact)
        reasons = {step.op.kind: step.choice.reason for step in inexact}
        return {kind: f"{counts[kind]} op(s): {reasons[kind]}" for kind in counts}

    def place(self, index: int) -> Place:
        """A tensor."""
        return self._places[index]

    def run(self, feeds: Sequence[Value], *, keep: bool = False) -> dict[int, Value]:
        """Evaluates the ops one after another.

        Args:
            feeds: values of the inputs, samples first.
            keep: keep what no later op reads.

        Returns:
            Values by tensor: the outputs, or with `keep` all that were computed.
        """
        values = dict(zip(self.graph.inputs, feeds, strict=True))
        last = {index: step for step in self.steps for index in step.op.inputs}
        for step in self.steps:
            made = step([self.value(index, values) for index in step.op.inputs])
            values |= dict(zip(step.op.outputs, made, strict=True))
            for index in step.op.inputs:
                if not keep and last.get(index) is step and index not in self.graph.outputs:
                    values.pop(index, None)
        if keep:
            return values
        return {index: self.value(index, values) for index in self.graph.outputs}

    def value(self, index: int, values: dict[int, Value]) -> Value:
        """What an op reads: a computed value, a constant as one sample, or None."""
        if index < 0 or index in values:
            return values.get(index)
        place = self._places[index]
        if place.value is None:
            raise UserError(
                f"{self._name} reads tensor {place.name!r} before it is made, as graphs with a "
                "state do; only files without one can be simulated."
            )
        return tf.constant(place.value.astype(place.carrier)[None])

    def _step(self, op: Op) -> Step:
        site = Site(
            kind=op.kind,
            inputs=tuple(None if i < 0 else self._places[i] for i in op.inputs),
            outputs=tuple(self._places[i] for i in op.outputs),
            options=op.options,
            delegated=op.index in self._delegated,
            content=lambda shapes: cut_op(self.graph, op, shapes),
        )
        choice = choose(site)
        if choice is None:
            raise UserError(
                f"{self._name} has {op.kind} (op {op.index}), which cannot be simulated; replace "
                "the layer that makes it, or measure the file with tflq.compare."
            )
        return Step(op=op, site=site, choice=choice)

    def _folded(self, step: Step) -> bool:
        """Whether the op depends on constants alone; its outputs become constants."""
        op = step.op
        if op.kind == "SHAPE":
            made = [np.asarray(step.site.input(0).shape, step.site.output.dtype)[None]]
        elif all(index < 0 or self._places[index].value is not None for index in op.inputs):
            made = [np.asarray(v) for v in step([self.value(i, {}) for i in op.inputs])]
        else:
            return False
        for index, value in zip(op.outputs, made, strict=True):
            place = self._places[index]
            self._places[index] = Place(
                name=place.name,
                shape=place.shape,
                dtype=place.dtype,
                codes=place.codes,
                value=value[0].astype(place.dtype),
            )
        return True

    def _place(self, index: int) -> Place:
        tensor = self.graph.tensors[index]
        sizes = [1 if at == 0 and size is None else size for at, size in enumerate(tensor.shape)]
        if None in sizes:
            raise UserError(
                f"{self._name} leaves the shape {tensor.shape} of tensor {tensor.name!r} open; "
                "export the model with fixed shapes."
            )
        codes = None
        if tensor.quantization is not None and tensor.dtype in LIMITS:
            low, high = LIMITS[tensor.dtype]
            held = tensor.quantization
            codes = Codes(
                scale=held.scale, zero=held.zero_point, axis=held.axis, low=low, high=high
            )
        return Place(
            name=tensor.name,
            shape=tuple(int(size or 0) for size in sizes),
            dtype=tensor.dtype,
            codes=codes,
            value=self.graph.constant(index) if tensor.is_constant else None,
        )


def _require_one_sample(places: Sequence[Place], name: str) -> None:
    for place in places:
        if not place.shape or place.shape[0] != 1:
            raise UserError(
                f"{name} has an input {place.name!r} of shape {place.shape}; one sample at a time "
                "was expected, so export the model with a batch of 1."
            )
