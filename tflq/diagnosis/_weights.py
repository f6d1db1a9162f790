"""How alike the channels of a layer's weights are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tflq.diagnosis._numbers import rounded
from tflq.tflite_side import SLOTS, Graph, Op, weights_of


@dataclass(frozen=True, kw_only=True)
class WeightRanges:
    """A layer's weights, one output channel after another.

    Attributes:
        bits: of a weight in the file.
        scales: how many scales they have: one, or one a channel.
        lowest, highest: smallest and largest weight of each channel, as rounded.
        ratio: the largest magnitude of a channel over the median one.
    """

    bits: int
    scales: int
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    ratio: float


def weight_ranges(
    graph: Graph, op: Op, *, bits: int, scales: int, constants: Mapping[int, np.ndarray]
) -> WeightRanges:
    """Reads the weights of an op.

    Args:
        graph: the float graph.
        op: one of its ops with stored weights.
        bits: of a weight in the file.
        scales: how many they have there.
        constants: weights that were decided, by tensor index.
    """
    index = weights_of(graph, op)
    weights = np.asarray(constants.get(index, graph.constant(index)), np.float32)
    channels = np.moveaxis(weights, SLOTS[op.kind].channel_axis, 0)
    channels = channels.reshape(len(channels), -1)
    lowest, highest = channels.min(axis=1), channels.max(axis=1)
    largest = np.maximum(-lowest, highest)
    # Dead channels, of zeros only, are not unlike others: nothing is lost in them.
    living = largest[largest > 0]
    return WeightRanges(
        bits=bits,
        scales=scales,
        lowest=rounded(lowest),
        highest=rounded(highest),
        ratio=float(living.max() / np.median(living)) if living.size else 1.0,
    )
