"""Smallest and largest value of every channel, measured on samples."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from tflq.keras_side._build import build_model
from tflq.keras_side._graph import KerasGraph

Extremes = tuple[np.ndarray, np.ndarray]


def measure_extremes(
    graph: KerasGraph, tensors: Collection[int], samples: Iterable[Mapping[str, np.ndarray]]
) -> dict[int, Extremes]:
    """Runs the graph and takes the extremes of some tensors.

    Args:
        graph: the graph.
        tensors: their numbers.
        samples: arrays by input name.

    Returns:
        By tensor (smallest, largest), float32 of shape (channels,).
    """
    if not tensors:
        return {}
    import tensorflow as tf

    model = build_model(graph, tensors=list(tensors))
    names = [config["name"] for config in graph.inputs.values()]
    places = {number: place for place, number in enumerate(graph.inputs)}
    structure = tf.nest.map_structure(places.__getitem__, graph.input_structure)

    def extremes(values: list) -> list:
        given = tf.nest.map_structure(values.__getitem__, structure)
        made = tf.nest.flatten(model(given, training=False))
        axes = [list(range(len(value.shape) - 1)) for value in made]
        return [
            (tf.reduce_min(value, axis), tf.reduce_max(value, axis))
            for value, axis in zip(made, axes, strict=True)
        ]

    run = tf.function(extremes, reduce_retracing=True)
    found: dict[int, Extremes] = {}
    for sample in samples:
        values = [tf.constant(sample[name]) for name in names]
        for tensor, (low, high) in zip(tensors, run(values), strict=True):
            before = found.get(tensor, (low.numpy(), high.numpy()))
            found[tensor] = (
                np.minimum(before[0], low.numpy()),
                np.maximum(before[1], high.numpy()),
            )
    return found
