"""By how much a quantized file's layers are off on average, channel by channel."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tflq.data import InputSpec
from tflq.tflite_side._graph import Graph
from tflq.tflite_side._runner import Runner
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
    graph, other = Graph.from_bytes(floating), Graph.from_bytes(quantized)
    outputs = [op.outputs[0] for op in weighted_ops(graph)]
    pairs = {
        index: other.by_name[graph.tensors[index].name]
        for index in outputs
        if graph.tensors[index].name in other.by_name
    }
    first = Runner(floating, inputs=inputs, keep_all=True)
    second = Runner(quantized, inputs=inputs, keep_all=True)
    totals: dict[int, np.ndarray] = {}
    count = 0
    for sample in samples:
        first.run(sample)
        second.run(sample)
        count += 1
        for index, tensor in pairs.items():
            wanted, came = first.view(index)(), second.view(tensor.index)().astype(np.float64)
            if tensor.quantization is not None:
                came -= int(tensor.quantization.zero_point[0])
                came *= float(tensor.quantization.scale[0])
            error = (came - wanted).reshape(-1, wanted.shape[-1]).mean(axis=0)
            totals[index] = totals.get(index, 0.0) + error
            # A view must be gone before the next run.
            del wanted
    return {index: total / count for index, total in totals.items()}
