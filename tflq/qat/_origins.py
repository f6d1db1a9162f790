"""Tells every quantizer of a graph what made its value; see `_codes`."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tflq.keras_side import KerasGraph, Layer, Node, activation_name
from tflq.qat._activation import FakeQuant
from tflq.qat._codes import Origin
from tflq.qat._kernel import QuantizedKernel
from tflq.qat._plan import clamp_of

_PAIRS = {"Add": Origin.SUM, "Subtract": Origin.DIFFERENCE, "Multiply": Origin.PRODUCT}
_HARD_SWISH = ("hard_silu", "hard_swish", "HardSilu", "HardSwish")
_IN_PLACE = {
    "AveragePooling1D": Origin.POOL,
    "AveragePooling2D": Origin.POOL,
    "Resizing": Origin.RESIZE,
    "UpSampling2D": Origin.RESIZE,
}


def feed_origins(graph: KerasGraph, codes: Mapping[int, int], fused: frozenset[int]) -> None:
    """Gives `FakeQuant` calls the tensors that tell the integers of their value, in place.

    Args:
        graph: the graph with all its quantizers.
        codes: by tensor, the one that holds its scale and zero point.
        fused: tensors that a rectifier clamps before they are stored.
    """
    producers = graph.producers()
    for node in graph.nodes:
        maker = producers.get(node.inputs[0]) if node.layer.cls is FakeQuant else None
        if maker is None:
            continue
        clamp = clamp_of(maker.layer)
        if maker.inputs[0] in fused:
            maker = producers[maker.inputs[0]]
        found = _origin(graph, maker, codes)
        if found is not None:
            origin, operands, count = found
            node.inputs = [*node.inputs, *operands]
            told = {"clamp": clamp, "count": count, "constant": _constant(maker)}
            options = {"origin": origin.value} | told
            node.arguments = partial(_with_options, node.arguments, options)


def _origin(
    graph: KerasGraph, maker: Node, codes: Mapping[int, int]
) -> tuple[Origin, list[int], int] | None:
    kind, inputs = maker.layer.kind, maker.inputs
    if maker.layer.cls is QuantizedKernel:
        is_fed = len(inputs) == 2 and not _is_einsum(maker.layer)
        return (Origin.KERNEL, [maker.outputs[1]], 1) if is_fed else None
    if any(tensor not in codes for tensor in inputs):
        return None
    if kind in _PAIRS and len(inputs) == 2:
        first, second = inputs
        if _PAIRS[kind] is Origin.PRODUCT:
            return Origin.PRODUCT, [codes[first], codes[second]], 1
        return _PAIRS[kind], [first, codes[first], second, codes[second]], 1
    if _constant(maker) is not None:
        (first,) = inputs
        if _PAIRS[kind] is Origin.PRODUCT:
            return Origin.PRODUCT, [codes[first]], 1
        return Origin.SUM, [first, codes[first]], 1
    if clamp_of(maker.layer) is not None:
        return Origin.RECTIFIER, [codes[inputs[0]]], 1
    if kind in _HARD_SWISH or activation_name(maker.layer) in _HARD_SWISH:
        return Origin.HARD_SWISH, [inputs[0], codes[inputs[0]]], 1
    if kind == "GlobalAveragePooling2D":
        sides = [side or 0 for side in graph.shapes[inputs[0]][1:3]]
        known = _last_axis(maker.layer) and all(sides)
        return (Origin.MEAN, [codes[inputs[0]]], math.prod(sides)) if known else None
    return (_IN_PLACE[kind], [], 1) if kind in _IN_PLACE else None


def _constant(maker: Node) -> float | None:
    """The number that a tensor is multiplied with or that is added to it."""
    if maker.layer.kind not in ("Add", "Multiply") or len(maker.inputs) != 1:
        return None
    hole = object()
    given, options = maker.arguments([hole])
    others = [value for value in given if value is not hole]
    if len(given) != 2 or options or len(others) != 1 or isinstance(others[0], bool):
        return None
    return float(others[0]) if isinstance(others[0], (int, float)) else None


def _is_einsum(layer: Layer) -> bool:
    return hasattr((layer.config or {})["layer"], "equation")


def _last_axis(layer: Layer) -> bool:
    return (layer.config or {}).get("data_format", "channels_last") == "channels_last"


def _with_options(
    arguments: Any, options: Mapping[str, Any], values: Sequence[Any]
) -> tuple[Any, dict[str, Any]]:
    _, given = arguments(values)
    return values, given | options
