"""Keeps ops in float that make much of little: a logarithm of what is near zero, a reciprocal.

Codes are evenly spaced. Where most values of a wide range lie within a few codes, a curve that is
steep there turns their rounding into large errors: log-mel features of a spectrum, log(1 + exp x).
LiteRT's 16-bit kernels moreover draw such curves with straight lines. Where an op's codes do not
do it stays in float, and so does what makes its input, as far as that needs as many bits. What
RSQRT and a reciprocal make has few large values and many small ones that count as much, such as
the factors of layer normalization where some rows are constant: what reads them stays in float
too, until the large ones have met what they are to scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tflq.ranges import Histogram
from tflq.tflite_side._assignment import FLOAT32, Assignment, activation_bits
from tflq.tflite_side._curves import CURVES, Spread, contrast
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._weights import SLOTS

# The least that a curve's output must come to, in dB: 8 bits give others 30 to 45, 16 bits 60 up.
_LEAST_DB = {8: 25.0, 16: 45.0}
# A usual value has this many codes at least.
_LEAST_CODES = 6
# An error of their input is no larger than itself in what they make.
_FORGIVING = frozenset({"EXP", "LOGISTIC", "SOFTMAX", "TANH"})
_SQUARING = frozenset({"SQUARE", "SQUARED_DIFFERENCE"})
_SCALING = frozenset({"ADD", "MUL", "SUB"})
_MOST_BITS = 32
_DB_A_BIT = 6.02


def keep_steep(
    graph: Graph,
    assignment: Assignment,
    ranges: Mapping[int, tuple[float, float]],
    histograms: Mapping[int, Histogram],
    chosen: Mapping[int, str],
) -> tuple[Assignment, dict[int, str]]:
    """Takes ops out of quantization for which its codes are too coarse.

    Args:
        graph: the float graph.
        assignment: the scheme of each op.
        ranges: (min, max) of activations by tensor index.
        histograms: of the activations, by tensor index.
        chosen: schemes that were asked for single ops, by tensor index; those stay as asked.

    Returns:
        The new assignment, and by index of the ops that are in float for that, why.
    """
    walk = _Walk(graph, activation_bits(graph, assignment), ranges, histograms)
    free = [
        op
        for op in graph.ops
        if all(chosen.get(tensor, FLOAT32) == FLOAT32 for tensor in op.outputs)
    ]
    for op in reversed(free):
        walk.backwards(op)
    for op in free:
        walk.forwards(op)
    return {**assignment, **dict.fromkeys(walk.reasons)}, walk.reasons


@dataclass(frozen=True, kw_only=True)
class _Need:
    """What is needed of a tensor.

    Attributes:
        bits: of its codes.
        within: those of them that divide a power of 2.
        kind: of the op that needs it.
        layers: how many layers of weights lie between.
    """

    bits: int
    within: int
    kind: str
    layers: int


class _Walk:
    """Goes from the outputs to the inputs, and back."""

    def __init__(
        self,
        graph: Graph,
        bits: Mapping[int, int | None],
        ranges: Mapping[int, tuple[float, float]],
        histograms: Mapping[int, Histogram],
    ):
        self._graph, self._bits = graph, bits
        self._ranges, self._histograms = ranges, histograms
        self._needs: dict[int, _Need] = {}
        # By tensor, the op whose few large values hide others in its codes.
        self._hidden: dict[int, str] = {}
        self.reasons: dict[int, str] = {}

    def backwards(self, op: Op) -> None:
        """Judges an op after all that read it."""
        has = self._has(op)
        asked = [self._needs[t] for t in op.outputs if t in self._needs]
        need = max(asked, key=lambda one: one.bits, default=None)
        if need is not None and (has is None or need.bits > has):
            # One layer of weights may prepare features; what is before it is a network.
            if op.kind in SLOTS and need.layers:
                return
            if has is not None:
                self.reasons[op.index] = f"{need.kind} needs about {need.bits} bits of it"
            self._pass_on(op, need)
        if op.kind in CURVES:
            self._judge(op, has)

    def forwards(self, op: Op) -> None:
        """Judges an op after all that make its inputs."""
        has = self._has(op)
        maker = next((self._hidden[t] for t in op.inputs if t in self._hidden), None)
        if has is not None and maker is not None and op.kind in _SCALING:
            self.reasons.setdefault(op.index, f"{has} bits cannot hold what {maker} makes")
            for tensor in op.inputs:
                for centring in _centring(self._graph, tensor):
                    self.reasons.setdefault(centring, f"{maker} magnifies what is off its mean")
        elif op.index not in self.reasons or not _scales(self._graph, op):
            return
        output = op.outputs[0]
        histogram = self._histograms.get(output)
        if has is None or histogram is None:
            return
        if contrast(histogram) > 2 ** (has - 1) / _LEAST_CODES:
            self._hidden[output] = maker or op.kind

    def _has(self, op: Op) -> int | None:
        return next((b for t in op.outputs if (b := self._bits.get(t)) is not None), None)

    def _judge(self, op: Op, has: int | None) -> None:
        """Keeps an op of a steep curve in float where its codes do not do."""
        curve = CURVES[op.kind]
        source = op.inputs[curve.place]
        given = self._bits.get(source)
        if given is None or source not in self._ranges or source not in self._histograms:
            return
        spread = Spread(curve, self._histograms[source], self._ranges[source])
        if spread.empty:
            return
        least = _LEAST_DB[given]
        if has is not None and op.index not in self.reasons:
            reached = spread.decibels(has, integer=True)
            if reached >= least:
                return
            self.reasons[op.index] = f"{has} bits leave {reached:.0f} dB of it"
        tried = range(given, _MOST_BITS)
        wanted = (bits for bits in tried if spread.decibels(bits, integer=False) >= least)
        bits, within = next(wanted, _MOST_BITS), round(least / _DB_A_BIT)
        self._ask(source, _Need(bits=bits, within=within, kind=op.kind, layers=0))

    def _pass_on(self, op: Op, need: _Need) -> None:
        if op.kind in _FORGIVING:
            return
        squares = op.kind in _SQUARING or (op.kind == "MUL" and len(set(op.inputs)) == 1)
        # What is squared spans half as many powers of 2, each as finely divided.
        bits = (need.bits + need.within + 1) // 2 if squares else need.bits
        layers = need.layers + (op.kind in SLOTS)
        for tensor in op.inputs:
            self._ask(tensor, replace(need, bits=bits, layers=layers))

    def _ask(self, tensor: int, need: _Need) -> None:
        if tensor not in self._bits:
            return
        known = self._needs.get(tensor)
        if known is None or known.bits < need.bits:
            self._needs[tensor] = need


def _scales(graph: Graph, op: Op) -> bool:
    """Whether an op makes factors: RSQRT, and the reciprocal."""
    return op.kind == "RSQRT" or (op.kind == "DIV" and graph.tensors[op.inputs[0]].is_constant)


def _centring(graph: Graph, tensor: int) -> tuple[int, ...]:
    """The ops that make a tensor of a mean: the mean itself, what negates and what subtracts it."""
    op = graph.producer.get(tensor)
    if op is None:
        return ()
    if op.kind == "MEAN":
        return (op.index,)
    negates = op.kind == "MUL" and any(graph.tensors[t].is_constant for t in op.inputs)
    if not negates and op.kind != "SUB":
        return ()
    found = tuple(index for t in op.inputs for index in _centring(graph, t))
    return (op.index, *found) if found else ()
