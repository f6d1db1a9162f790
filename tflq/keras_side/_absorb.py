"""High-bias absorption: takes out of a channel what it never falls below.

For a channel whose values all exceed c, ReLU(x) = ReLU(x - c) + c, so that c can go from the bias
of the kernel that writes it into the biases of those that read it: b1 - c and b2 + W2 c (Nagel et
al. 2019, section 4.1.3; equations (13)-(16) of the paper). With x normal of mean beta and standard
deviation gamma, as batch normalization leaves it, c = max(0, beta - 3 gamma). Channels then need
less range. Only what keeps the function is moved: nothing into kernels that pad with zeros, nor
past additions; where samples are known, no more than their minimum.
"""

from collections.abc import Mapping

import numpy as np

from tflq.keras_side._extremes import Extremes
from tflq.keras_side._graph import KerasGraph, Moments
from tflq.keras_side._kernels import bias_of, response, set_bias
from tflq.keras_side._links import Link, find_links


def absorb_biases(
    graph: KerasGraph, extremes: Mapping[int, Extremes] | None
) -> dict[str, np.ndarray]:
    """Absorbs the high biases of a folded graph, in place.

    Args:
        graph: the graph.
        extremes: of the outputs of layers with a kernel, by tensor, as `outputs_to_measure`
            lists them; None without samples.

    Returns:
        By name of the writing layer, what was taken from its channels, where that is not 0.
    """
    calls = graph.calls()
    absorbed = {}
    for link in find_links(graph).links:
        if not link.shiftable:
            continue
        (writer,) = link.writers
        (node,) = calls[writer.layer]
        known = None if extremes is None else extremes.get(node.outputs[0])
        amount = _amount(writer.layer.statistics, known, len(writer.channels))
        amount = np.where(writer.channels >= 0, amount, 0.0)
        if link.caps:
            amount = _below_caps(link, amount, known)
        if amount.any():
            _move(link, amount)
            absorbed[writer.layer.name] = amount
    return absorbed


def outputs_to_measure(graph: KerasGraph) -> list[int]:
    """The tensors whose extremes `absorb_biases` wants."""
    calls = graph.calls()
    links = [link for link in find_links(graph).links if link.shiftable]
    return [calls[link.writers[0].layer][0].outputs[0] for link in links]


def _amount(moments: Moments | None, known: Extremes | None, channels: int) -> np.ndarray:
    if moments is not None:
        likely = np.maximum(0.0, moments.mean - 3 * moments.deviation)
        return likely if known is None else np.minimum(likely, np.maximum(0.0, known[0]))
    return np.zeros(channels) if known is None else np.maximum(0.0, known[0]).astype(np.float64)


def _below_caps(link: Link, amount: np.ndarray, known: Extremes | None) -> np.ndarray:
    """Nothing of channels that may reach a cap, which would move."""
    if known is None:
        return np.zeros_like(amount)
    return np.where(known[1] < min(cap.value for cap in link.caps), amount, 0.0)


def _move(link: Link, amount: np.ndarray) -> None:
    (writer,) = link.writers
    set_bias(writer.layer, bias_of(writer.layer) - amount)
    moments = writer.layer.statistics
    if moments is not None:
        writer.layer.statistics = Moments(mean=moments.mean - amount, deviation=moments.deviation)
    by_channel = np.zeros(link.size)
    by_channel[writer.channels[writer.channels >= 0]] = amount[writer.channels >= 0]
    for reader in link.readers:
        own = np.where(reader.channels >= 0, by_channel[reader.channels], 0.0)
        set_bias(reader.layer, bias_of(reader.layer) + response(reader.layer, own))
