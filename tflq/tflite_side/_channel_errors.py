"""By how much a quantized file's layers are off on average, channel by channel."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from tflq.data import InputSpec
from tflq.tflite_side._graph import Graph, Tensor
from tflq.tflite_side._runner import Runner
from tflq.tflite_side._seen import seen
from tflq.tflite_side._weights import weighted_ops


def channel_errors(
    floating: bytes,
    quantized: bytes,
    samples: Iterable[Mapping[str, np.ndarray]],
    inputs: Sequence[InputSpec],
) -> dict[int, np.ndarray]:
    """E[quantized - float] of the outputs of all weighted ops (equation (17) of the paper).

    Args:
        floating: a float .tflite.
        quantized: the file made from it, whose tensors have the same names.
        samples: arrays by input name.
        inputs: the model's inputs.

    Returns:
        By index of the float output tensor, float64 of shape (channels,).
    """
    outputs = [op.outputs[0] for op in weighted_ops(Graph.from_bytes(floating))]
    errors: dict[int, list[np.ndarray]] = {}
    pairs = paired_activations(floating, quantized, samples, inputs, outputs)
    for index, wanted, came in pairs:
        error = (came - wanted).reshape(-1, wanted.shape[-1]).mean(axis=0)
        errors.setdefault(index, []).append(error)
    return {index: np.mean(found, axis=0) for index, found in errors.items()}


def paired_activations(
    floating: bytes,
    quantized: bytes,
    samples: Iterable[Mapping[str, np.ndarray]],
    inputs: Sequence[InputSpec],
    tensors: Sequence[int],
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Runs both files on the same samples.

    Args:
        floating: a float .tflite.
        quantized: the file made from it, whose tensors have the same names.
        samples: arrays by input name.
        inputs: the model's inputs.
        tensors: indices of activations of the float file.

    Yields:
        Sample by sample, and tensor by tensor, its index in the float file, the float values and,
        in float64, what the quantized file has in their place. What that has not is left out, and
        so is what no reader can tell, such as how large a mask is.
    """
    graph = Graph.from_bytes(floating)
    found, visible = same_activations(graph, Graph.from_bytes(quantized), tensors), seen(graph)
    first = Runner(floating, inputs=inputs, keep_all=True)
    second = Runner(quantized, inputs=inputs, keep_all=True)
    for sample in samples:
        first.run(sample)
        second.run(sample)
        for index, tensor in found.items():
            # A copy, for a view must be gone before the next run.
            wanted = first.view(index)().copy()
            yield index, *visible.pair(index, wanted, _real(second.view(tensor.index)(), tensor))


def same_activations(graph: Graph, quantized: Graph, tensors: Sequence[int]) -> dict[int, Tensor]:
    """What a quantized file has in place of float activations.

    They have the same names, but for inputs and outputs, whose names are the user's: those are
    found by their place, inside of a conversion from or to the dtype of the door.

    Args:
        graph: the float graph.
        quantized: the graph made from it.
        tensors: indices of activations of the float graph.

    Returns:
        By index of the float tensor; what the file has not is left out.
    """
    doors = dict(
        zip(graph.inputs, map(partial(_entered, quantized), quantized.inputs), strict=True)
    )
    doors |= dict(
        zip(graph.outputs, map(partial(_left, quantized), quantized.outputs), strict=True)
    )
    found = {}
    for index in tensors:
        name = graph.tensors[index].name
        same = quantized.tensors[doors[index]] if index in doors else quantized.by_name.get(name)
        # What nothing depends on holds whatever was in its memory.
        if same is not None and index in graph.live and same.index in quantized.live:
            found[index] = same
    return found


def _entered(graph: Graph, tensor: int) -> int:
    """What an input becomes, where all that reads it is a conversion."""
    readers = graph.consumers.get(tensor, ())
    return readers[0].outputs[0] if [op.kind for op in readers] == ["QUANTIZE"] else tensor


def _left(graph: Graph, tensor: int) -> int:
    """What an output was, before it was converted."""
    maker = graph.producer.get(tensor)
    if maker is None or maker.kind not in ("QUANTIZE", "DEQUANTIZE"):
        return tensor
    return maker.inputs[0]


def _real(codes: np.ndarray, tensor: Tensor) -> np.ndarray:
    values = codes.astype(np.float64)
    if tensor.quantization is not None:
        values -= int(tensor.quantization.zero_point[0])
        values *= float(tensor.quantization.scale[0])
    return values
