"""Finds where a float model leaves what float32 holds."""

from collections.abc import Mapping

import numpy as np

from tflq._float_model import FloatModel
from tflq.tflite_side import Graph, Names, Runner


def first_overflow(model: FloatModel, sample: Mapping[str, np.ndarray]) -> str | None:
    """The first op of a model whose output is not finite though its inputs are.

    Args:
        model: the converted model.
        sample: one batch by input name.

    Returns:
        The op in words; None where there is none, as for a sample that is not finite itself.
    """
    graph = Graph.from_bytes(model.tflite)
    runner = Runner(model.tflite, inputs=model.inputs, keep_all=True)
    runner.run(sample)

    def is_finite(tensor: int) -> bool:
        if graph.tensors[tensor].is_constant:
            value = graph.constant(tensor)
        else:
            try:
                value = runner.view(tensor)()
            except ValueError:
                # The runtime keeps no value of what it has optimized away.
                return True
        return value.dtype.kind != "f" or bool(np.isfinite(value).all())

    for op in graph.ops:
        inputs = [tensor for tensor in op.inputs if tensor >= 0]
        if not all(map(is_finite, op.outputs)) and all(map(is_finite, inputs)):
            name = graph.tensors[op.outputs[0]].name
            layer = Names(graph, {}, model.layer_of).label(op.outputs[0])
            return f"{op.kind} of layer {layer!r}, tensor {name!r}"
    return None
