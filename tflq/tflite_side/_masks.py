"""Masks: large negative numbers that are added to, or chosen in place of, values not to be seen.

What masks with -1e9 in float does so with a few tens in integers: the number that takes the
largest score to the end of the scores' range. Masks get that for their range, and constants are
clamped to it.
"""

import copy
from collections.abc import Mapping

import numpy as np

from tflq._softmax import MASKED
from tflq.ranges import Histogram
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._kernel_rules import SAME_SCALE, same_scale_groups
from tflq.tflite_side._seen import LOWEST, Seen
from tflq.tflite_side._stored import store

Range = tuple[float, float]

# 16-bit codes tell more of a mask, and have room for it.
_FURTHER = 6.0
_MASKING = (*SAME_SCALE, "ADD", "SUB")


def prepare_masks(graph: Graph) -> bool:
    """Makes infinite masks finite, and gives every op a mask of its own, in place.

    Returns:
        Whether anything changed.
    """
    changed = False
    for tensor in graph.tensors:
        readers = graph.consumers.get(tensor.index, ())
        if not (tensor.is_constant and tensor.dtype == "float32"):
            continue
        if any(op.kind not in _MASKING for op in readers):
            continue
        values = graph.constant(tensor.index)
        if not np.abs(values).max(initial=0.0) >= -MASKED or np.isnan(values).any():
            continue
        subgraph = graph.model.subgraphs[0]
        if not np.isfinite(values).all():
            values, changed = np.clip(values, LOWEST, -LOWEST), True
            store(graph.model, subgraph, tensor.index, values)
        for op in readers[:-1]:
            _give_own(graph, op, tensor.index, values)
            changed = True
    return changed


def _give_own(graph: Graph, op: Op, tensor: int, values: np.ndarray) -> None:
    subgraph = graph.model.subgraphs[0]
    own = copy.copy(subgraph.tensors[tensor])
    own.name += b"_%d" % op.index
    subgraph.tensors.append(own)
    place = len(subgraph.tensors) - 1
    store(graph.model, subgraph, place, values)
    raw = subgraph.operators[op.index]
    raw.inputs = [place if int(t) == tensor else int(t) for t in raw.inputs]


def fit_masks(
    graph: Graph,
    seen: Seen,
    histograms: Mapping[int, Histogram],
    ranges: Mapping[int, Range],
    *,
    bits: Mapping[int, int | None],
) -> tuple[dict[int, Range], dict[int, np.ndarray]]:
    """Gives masks the range that hides what they mask, and no more.

    Args:
        graph: the float graph.
        seen: what its readers can tell.
        histograms: statistics by tensor index.
        ranges: (min, max) of activations by tensor index.
        bits: bits of each activation.

    Returns:
        The ranges that change, by tensor index, and constants clamped to them.
    """
    return _Fitting(graph, seen, histograms, ranges, bits).run()


class _Fitting:
    def __init__(
        self,
        graph: Graph,
        seen: Seen,
        histograms: Mapping[int, Histogram],
        ranges: Mapping[int, Range],
        bits: Mapping[int, int | None],
    ):
        self._graph, self._seen, self._bits = graph, seen, bits
        self._histograms, self._ranges = histograms, ranges
        self._group = {t: group for group in same_scale_groups(graph) for t in group}
        self._fitted: dict[int, Range] = {}
        self._constants: dict[int, np.ndarray] = {}

    def run(self) -> tuple[dict[int, Range], dict[int, np.ndarray]]:
        scores = {tensor for group in self._seen.flat for tensor in group}
        for op in reversed(self._graph.ops):
            output = op.outputs[0] if op.outputs else -1
            if output not in self._ranges:
                continue
            if op.kind in SAME_SCALE and (output in scores or output in self._seen.hidden):
                self._clamp_fillers(op, output)
            elif op.kind in ("ADD", "SUB") and (output in scores or output in self._fitted):
                self._fit_operands(op, output)
            elif op.kind in ("MUL", "DIV") and (output in scores or output in self._seen.masks):
                self._fit_product(op, output)
        return self._fitted, self._constants

    def _range(self, tensor: int) -> Range:
        """What is asked of an activation, or what a constant holds."""
        if self._graph.tensors[tensor].is_constant:
            values = self._constants.get(tensor, self._graph.constant(tensor))
            return min(0.0, float(values.min())), max(0.0, float(values.max()))
        return self._fitted.get(tensor, self._ranges.get(tensor, (0.0, 0.0)))

    def _extremes(self, tensor: int) -> Range:
        histogram = self._histograms.get(tensor)
        if histogram is None or not histogram.count:
            return self._range(tensor)
        return histogram.minimum, histogram.maximum

    def _clamp_fillers(self, op: Op, output: int) -> None:
        low, high = self._range(output)
        for tensor in op.inputs:
            if tensor >= 0 and self._is_stored(tensor):
                values = self._graph.constant(tensor)
                if values.min(initial=0.0) <= MASKED:
                    low = self._keep_floor(output)
                self._constants[tensor] = np.clip(values, low, high).astype(np.float32)

    def _keep_floor(self, tensor: int) -> float:
        """The end of the range of scores, which holds what lies far below every row's largest."""
        group = self._group[tensor]
        low, high = self._range(tensor)
        found = [
            self._histograms[t].minimum
            for t in group
            if t in self._seen.limits and t in self._histograms and self._histograms[t].count
        ]
        if group in self._seen.flat and found and group[0] not in self._fitted:
            further = 0.0 if self._bits[tensor] == 8 else _FURTHER
            low = min(low, min(found) - further)
            self._fitted.update(dict.fromkeys(group, (low, high)))
        return low

    def _fit_operands(self, op: Op, output: int) -> None:
        first, second = op.inputs
        for tensor, other in ((first, second), (second, first)):
            low, high = self._extremes(tensor)
            taken = op.kind == "SUB" and tensor == second
            if taken and high >= -MASKED:
                floor = self._keep_floor(output)
                self._bound(tensor, (min(low, 0.0), self._range(other)[1] - floor))
            elif not taken and low <= MASKED:
                reach = self._range(other)
                most = reach[1] if op.kind == "ADD" else -reach[0]
                self._bound(tensor, (self._keep_floor(output) - most, max(high, 0.0)))

    def _fit_product(self, op: Op, output: int) -> None:
        """A mask of zeros and ones times -1e9, or masked scores times a scale."""
        stored = [t for t in op.inputs if self._is_stored(t)]
        given = [t for t in op.inputs if not self._is_stored(t)]
        if len(stored) != 1 or len(given) != 1:
            return
        values, factor = self._graph.constant(stored[0]), given[0]
        if np.abs(values).max(initial=0.0) >= -MASKED:
            if op.kind == "MUL" and output in self._seen.masks and self._is_binary(factor):
                bound = max(map(abs, self._range(output)))
                self._constants[stored[0]] = np.clip(values, -bound, bound).astype(np.float32)
        elif values.min(initial=np.inf) > 0 and self._extremes(factor)[0] <= MASKED:
            scale = float(values.min() if op.kind == "MUL" else 1 / values.max())
            low, high = self._keep_floor(output), self._range(output)[1]
            self._bound(factor, (low / scale, high / scale))

    def _bound(self, tensor: int, bounds: Range) -> None:
        """Narrows the range of a mask to `bounds`, or to the widest that several readers need."""
        if self._is_stored(tensor):
            values = self._graph.constant(tensor)
            self._constants[tensor] = np.clip(values, *bounds).astype(np.float32)
        elif tensor in self._seen.masks:
            held = self._fitted.get(tensor, bounds)
            bounds = min(held[0], bounds[0]), max(held[1], bounds[1])
            self._fitted.update(dict.fromkeys(self._group[tensor], bounds))

    def _is_binary(self, tensor: int) -> bool:
        """Whether all values are 0, and 1 or -1."""
        histogram = self._histograms.get(tensor)
        if histogram is None or not histogram.count:
            low, high = self._range(tensor)
            return low > -1.5 and high < 1.5 and self._counts(tensor)
        ends = {histogram.minimum, histogram.maximum}
        return ends <= {-1.0, 0.0, 1.0} and not histogram.mass.any()

    def _counts(self, tensor: int) -> bool:
        """Whether all values are whole numbers, by what makes them."""
        if self._is_stored(tensor):
            values = self._graph.constant(tensor)
            return bool(np.array_equal(values, np.rint(values)))
        op = self._graph.producer.get(tensor)
        if op is None:
            return False
        if op.kind == "CAST":
            return self._graph.tensors[op.inputs[0]].dtype != "float32"
        if op.kind not in _MASKING:
            return False
        given = [t for t in op.inputs if self._graph.tensors[t].dtype == "float32"]
        return all(map(self._counts, given))

    def _is_stored(self, tensor: int) -> bool:
        held = self._graph.tensors[tensor]
        return held.is_constant and held.dtype == "float32"
