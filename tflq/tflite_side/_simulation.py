"""Runs the quantized network op by op over all samples, before it is written.

Every op runs in float32 on what its quantized inputs stand for, with the weights decided so far,
and its output is quantized. So each layer can be decided knowing what will reach it, at the cost of
one pass over the samples for the whole network.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from tflq._errors import UserError
from tflq._progress import track
from tflq._quiet import quiet
from tflq.affine import Affine
from tflq.tflite_side._activation_store import ActivationStore
from tflq.tflite_side._graph import Graph, Op
from tflq.tflite_side._runner import restarts
from tflq.tflite_side._single_op import computed_inputs, single_op

Constants = dict[int, np.ndarray]
# From an op and its data input's codes, shape (samples, ...), to the constants it should have.
Decide = Callable[[Op, "Reader"], Constants]

_STATEFUL = frozenset({"ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE"})


class Reader:
    """Gives the values of a tensor in the quantized network, sample by sample."""

    def __init__(self, store: ActivationStore, doors: Mapping[int, Affine]):
        self._store, self._doors = store, doors

    def values(self, index: int) -> Iterator[np.ndarray]:
        """Float32 values of a tensor."""
        door = self._doors.get(index)
        for codes in self._store[index]:
            yield codes.astype(np.float32) if door is None else door.dequantize(codes)

    def mean(self, index: int) -> np.ndarray:
        """Mean over the samples of a tensor's values; float64, in the shape of one of them."""
        codes, door = self._store[index], self._doors.get(index)
        mean: np.ndarray = codes.sum(axis=0, dtype=np.float64) / len(codes)
        return mean if door is None else np.float64(door.scale) * (mean - int(door.zero_point))


def simulate(
    graph: Graph,
    samples: Sequence[Sequence[np.ndarray]],
    doors: Mapping[int, Affine],
    decide: Decide,
    *,
    description: str,
) -> Constants:
    """Runs the network and lets `decide` choose the constants of each op before it runs.

    Args:
        graph: the float graph.
        samples: the arrays of the graph's inputs, sample by sample, all of one shape.
        doors: how activations are quantized, by tensor index; others stay float.
        decide: called with every op.
        description: of the progress bar.

    Returns:
        All the constants that were decided.

    Raises:
        UserError: the graph keeps state between calls.
    """
    check_stateless(graph, "leave out bias_correction='empirical' and rounding")
    last = {tensor: op.index for op in graph.ops for tensor in op.inputs}
    decided: Constants = {}
    with ActivationStore() as store:
        for position, tensor in enumerate(graph.inputs):
            store.put([tensor], _codes(samples, position, doors.get(tensor)), len(samples))
        reader = Reader(store, doors)
        for op in track(graph.ops, description=description, total=len(graph.ops), unit="ops"):
            constants = decide(op, reader)
            decided |= constants
            given = computed_inputs(graph, op)
            used = {t: doors[t] for t in (*given, *op.outputs) if t in doors}
            content = single_op(graph, op, doors=used, constants=constants)
            feeds = ([store[t][i] for t in given] for i in range(len(samples)))
            store.put(op.outputs, run_all(content, feeds), len(samples))
            for tensor in (*given, *op.outputs):
                if last.get(tensor, op.index) == op.index:
                    store.drop(tensor)
    return decided


def check_stateless(graph: Graph, advice: str) -> None:
    """Refuses a graph that keeps state between calls, with advice what to do.

    Raises:
        UserError: it does.
    """
    stateful = sorted({op.kind for op in graph.ops} & _STATEFUL)
    if stateful:
        raise UserError(
            f"the model keeps state between calls ({', '.join(stateful)}), so it cannot be run op "
            f"by op; {advice}."
        )


def run_all(content: bytes, feeds: Iterator[list[np.ndarray]]) -> Iterator[list[np.ndarray]]:
    """Runs a small .tflite over many inputs; yields its outputs in the file's own dtypes."""
    from ai_edge_litert.interpreter import Interpreter

    with quiet():
        interpreter = Interpreter(model_content=content, num_threads=2)
    places = [detail["index"] for detail in interpreter.get_input_details()]
    shapes, forgets = None, restarts(interpreter)
    for feed in feeds:
        if shapes != [array.shape for array in feed]:
            shapes = [array.shape for array in feed]
            for place, shape in zip(places, shapes, strict=True):
                interpreter.resize_tensor_input(place, shape)
            with quiet():
                interpreter.allocate_tensors()
        if forgets:
            interpreter.reset_all_variables()
        for place, array in zip(places, feed, strict=True):
            interpreter.set_tensor(place, array)
        interpreter.invoke()
        yield [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def _codes(
    samples: Sequence[Sequence[np.ndarray]], position: int, door: Affine | None
) -> Iterator[list[np.ndarray]]:
    for sample in samples:
        value = sample[position]
        if door is None:
            yield [value]
        else:
            yield [door.quantize(value).astype(np.int8 if door.bits == 8 else np.int16)]
