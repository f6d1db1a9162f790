"""What every channel of every tensor is expected to be, from batch normalization alone.

A folded normalization leaves its convolution's outputs normal with mean beta and standard
deviation |gamma|; activations clip that (the clipped normal of Nagel et al. 2019, appendix C;
equation (20) of the paper). Elsewhere moments are carried on as if channels were independent.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tflq.keras_side._activations import Shape, activation_of
from tflq.keras_side._channel_cap import KIND as CHANNEL_CAP
from tflq.keras_side._graph import KerasGraph, Layer, Node
from tflq.keras_side._kernels import bias_of, has_kernel, kernel_of
from tflq.keras_side._links import PADDING, PASSING, is_as_named

# How many standard deviations an activation's range reaches (Nagel et al. 2019, section 5).
_REACH = 6.0


@dataclass(frozen=True, kw_only=True, eq=False)
class ClippedNormal:
    """Independent channels: normal, then clipped; arrays of shape (channels,)."""

    mean: np.ndarray
    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def highest(self) -> np.ndarray:
        """What nearly no value of each channel exceeds."""
        highest: np.ndarray = np.minimum(self.mean + _REACH * self.deviation, self.high)
        return highest

    @property
    def range(self) -> tuple[float, float]:
        """Where nearly all values of all channels lie, 0 included."""
        low = np.maximum(self.mean - _REACH * self.deviation, self.low)
        return min(0.0, float(low.min())), max(0.0, float(self.highest.max()))

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance after clipping."""
        mean, deviation = self.mean, np.maximum(self.deviation, 1e-12)
        a, b = (self.low - mean) / deviation, (self.high - mean) / deviation
        below, above, inside = _phi(a), 1 - _phi(b), _phi(b) - _phi(a)
        low, high = _finite(self.low), _finite(self.high)
        first = low * below + high * above + mean * inside + deviation * (_bell(a) - _bell(b))
        second = (
            low**2 * below
            + high**2 * above
            + (mean**2 + deviation**2) * inside
            + deviation * ((mean + low) * _bell(a) - (mean + high) * _bell(b))
        )
        return first, np.maximum(second - first**2, 0.0)


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What batch normalization tells of a network.

    Attributes:
        ranges: (min, max) of each layer's output, by layer name, and of inputs, by input name.
        logits: (min, max) before the activation that a layer with a kernel has, by layer name.
        input_means: by name of a layer with a kernel, the mean of each of its input channels.
    """

    ranges: dict[str, tuple[float, float]]
    logits: dict[str, tuple[float, float]]
    input_means: dict[str, np.ndarray]


def expect(graph: KerasGraph, input_ranges: Mapping[str, tuple[float, float]]) -> Expectations:
    """Carries moments through a folded graph.

    Args:
        graph: the graph.
        input_ranges: (min, max) of every input, by name.
    """
    known: dict[int, ClippedNormal] = {}
    ranges: dict[str, tuple[float, float]] = dict(input_ranges)
    logits: dict[str, tuple[float, float]] = {}
    means: dict[str, np.ndarray] = {}
    for tensor, config in graph.inputs.items():
        low, high = input_ranges[config["name"]]
        channels = graph.shapes[tensor][-1]
        if channels is not None:
            known[tensor] = _uniform(low, high, channels)
    _carry(graph, known)
    for node in graph.nodes:
        if has_kernel(node.layer) and node.inputs[0] in known:
            means[node.layer.name] = known[node.inputs[0]].moments()[0]
            logits[node.layer.name] = _logits(node.layer, known[node.inputs[0]]).range
        if node.outputs[0] in known:
            ranges[node.layer.name] = known[node.outputs[0]].range
    return Expectations(ranges=ranges, logits=logits, input_means=means)


def expected_reach(graph: KerasGraph) -> dict[int, np.ndarray]:
    """By tensor, what nearly no value of each channel exceeds, where that is known."""
    known: dict[int, ClippedNormal] = {}
    _carry(graph, known)
    return {tensor: channels.highest for tensor, channels in known.items()}


def _carry(graph: KerasGraph, known: dict[int, ClippedNormal]) -> None:
    """Adds to what is known of the inputs what follows of all other tensors."""
    for node in graph.nodes:
        made = _through(graph, node, known)
        if made is not None:
            known[node.outputs[0]] = made


def _through(
    graph: KerasGraph, node: Node, known: Mapping[int, ClippedNormal]
) -> ClippedNormal | None:
    """The distribution that a layer makes of its inputs'; None where that is not known."""
    layer, kind = node.layer, node.layer.kind
    if has_kernel(layer) and layer.statistics is not None:
        return _activate(layer, _logits(layer))
    if not node.inputs or any(tensor not in known for tensor in node.inputs):
        return None
    if not is_as_named(node):
        return None
    given = [known[tensor] for tensor in node.inputs]
    if has_kernel(layer):
        return _activate(layer, _logits(layer, given[0]))
    if kind in PASSING or kind in PADDING:
        return given[0]
    if kind == "Flatten":
        width = graph.shapes[node.outputs[0]][-1] or 0
        return _map(given[0], lambda a: np.tile(a, width // len(a)))
    if kind == "Add":
        pairs = [one.moments() for one in given]
        mean, variance = (np.sum(parts, axis=0) for parts in zip(*pairs, strict=True))
        return _normal(mean, variance)
    if (
        kind == "Concatenate"
        and sum(len(o.mean) for o in given) == graph.shapes[node.outputs[0]][-1]
    ):
        return _join(given)
    if kind == CHANNEL_CAP:
        assert layer.config is not None
        return replace(given[0], high=np.minimum(given[0].high, np.array(layer.config["caps"])))
    return _activate(layer, given[0]) if activation_of(layer) is not None else None


def _logits(layer: Layer, given: ClippedNormal | None = None) -> ClippedNormal:
    """What a layer's kernel makes: as its batch norm has seen it, else of what it is given."""
    if layer.statistics is not None:
        return _normal(layer.statistics.mean, layer.statistics.deviation**2)
    assert given is not None, "without statistics its input is known"
    mean, variance = given.moments()
    kernel = kernel_of(layer).astype(np.float64)
    _, groups, inputs, _ = kernel.shape
    total = np.einsum("tgio,gi->go", kernel, mean.reshape(groups, inputs)).reshape(-1)
    spread = np.einsum("tgio,gi->go", kernel**2, variance.reshape(groups, inputs)).reshape(-1)
    return _normal(total + bias_of(layer), spread)


def _activate(layer: Layer, given: ClippedNormal) -> ClippedNormal | None:
    activation = activation_of(layer)
    if activation is None or activation.shape is Shape.LINEAR:
        return given
    if activation.shape is Shape.OTHER or activation.leaky:
        return None
    return replace(
        given,
        low=np.maximum(given.low, 0.0),
        high=np.maximum(np.minimum(given.high, activation.cap), 0.0),
    )


def _normal(mean: np.ndarray, variance: np.ndarray) -> ClippedNormal:
    endless = np.full(len(mean), np.inf)
    return ClippedNormal(mean=mean, deviation=np.sqrt(variance), low=-endless, high=endless)


def _uniform(low: float, high: float, channels: int) -> ClippedNormal:
    ones = np.ones(channels)
    return ClippedNormal(
        mean=(low + high) / 2 * ones,
        deviation=(high - low) / math.sqrt(12) * ones,
        low=low * ones,
        high=high * ones,
    )


def _map(given: ClippedNormal, function: Callable[[np.ndarray], np.ndarray]) -> ClippedNormal:
    return ClippedNormal(**{name: function(array) for name, array in vars(given).items()})


def _join(given: list[ClippedNormal]) -> ClippedNormal:
    names = vars(given[0])
    return ClippedNormal(**{n: np.concatenate([getattr(o, n) for o in given]) for n in names})


def _finite(limits: np.ndarray) -> np.ndarray:
    # An infinite limit is met with probability 0, but 0 times infinity is no number.
    return np.where(np.isfinite(limits), limits, 0.0)


def _phi(x: np.ndarray) -> np.ndarray:
    return np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.tolist()])


def _bell(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.square(x) / 2) / math.sqrt(2 * math.pi)
