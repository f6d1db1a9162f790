"""From a quantized Keras model to what its file is made from.

The result is a float Keras model with the weights that were trained for, already rounded, and with
fake quantization by constants where activations have a range; the export reads both back.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tflq._errors import UserError
from tflq._float_model import TrainedWeights, Training, weights_digest
from tflq.keras_side import (
    KerasGraph,
    Layer,
    Node,
    build_model,
    float32_config,
    is_functional,
    live_config,
    read_graph,
    single_argument,
)
from tflq.qat._activation import FakeQuant
from tflq.qat._codes import codes_of
from tflq.qat._kernel import QuantizedKernel
from tflq.qat._phase import is_quantized, quantization, quantized_layers
from tflq.qat._schedule import diverged
from tflq.qat._weights_layer import QuantizedWeights
from tflq.scheme import Writer, get_scheme, schemes

# What stands for a range of nothing but 0: scale 1, zero point 0.
_NOTHING = (-128.0, 127.0)


class ConstantFakeQuant(keras.layers.Layer):
    """Fake quantization by a range that no longer moves."""

    def __init__(self, *, low: float, high: float, bits: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.low, self.high, self.bits = low, high, bits
        self.supports_masking = True

    def call(self, x: Any) -> Any:
        """Quantizes."""
        return tf.quantization.fake_quant_with_min_max_args(
            x, min=self.low, max=self.high, num_bits=self.bits
        )

    def compute_output_spec(self, x: Any) -> Any:
        """The input's."""
        return keras.KerasTensor(x.shape, dtype=x.dtype)

    def get_config(self) -> dict[str, Any]:
        """What it is made from."""
        own = {"low": self.low, "high": self.high, "bits": self.bits}
        return super().get_config() | own


@dataclass(frozen=True, kw_only=True, eq=False)
class Deployment:
    """What a file is made from.

    Attributes:
        model: the float model with fake-quantized activations.
        plain: the same without, to check conversions with.
        training: what training decided of weights and layers.
    """

    model: Any
    plain: Any
    training: Training


def deploy(model: Any) -> Deployment:
    """Takes the quantizers out of a model that `tflq.quantize` made.

    A model that only observes yet is taken as if it quantized: its ranges are those it observed.

    Raises:
        UserError: a range was never observed, or is NaN; the model is a wrapper around another.
    """
    _refuse_wrapper(model)
    check_ranges(model)
    with quantization(model, on=True):
        return _deployed(model)


def _deployed(model: Any) -> Deployment:
    graph = read_graph(model)
    weights: dict[str, TrainedWeights] = {}
    floating = _float_layers(graph)
    scales = _scales(graph)
    for layer, nodes in list(graph.calls().items()):
        source = layer.source
        if isinstance(source, FakeQuant):
            _fix(layer, nodes)
        elif isinstance(source, QuantizedKernel):
            _set_kernel(layer, nodes, [scales.get(node.inputs[-1]) for node in nodes], weights)
        elif isinstance(source, QuantizedWeights):
            _set_weights(layer, weights)
        layer.config = None if layer.config is None else float32_config(layer.config)
    training = Training(scheme=_scheme_of(model), weights=weights, float_layers=frozenset(floating))
    built = build_model(graph)
    for node in [node for node in graph.nodes if node.layer.cls is ConstantFakeQuant]:
        graph.bypass(node)
    return Deployment(model=built, plain=build_model(graph), training=training)


def _refuse_wrapper(model: Any) -> None:
    """Says which model inside is the one to export, where only a model's own code calls it."""
    if is_functional(model):
        return
    name = type(model).__name__
    inside = next((key for key, value in vars(model).items() if is_quantized(value)), None)
    which = f"the model inside, tflq.export(model.{inside}, path)"
    if inside is None:
        which = "the model from tflq.quantize that is inside"
    raise UserError(
        f"model {model.name!r} is a {name} around a quantized model, and what its own call() does "
        f"beside is not quantized; export {which}."
    )


def check_ranges(model: Any) -> None:
    """Refuses ranges that were never observed, and such that training broke.

    Raises:
        UserError: it names the first of them.
    """
    for layer in quantized_layers(model):
        if isinstance(layer, FakeQuant) and layer.fixed is None:
            if not np.asarray(layer.seen).any():
                raise UserError(
                    f"quantizer {layer.name!r} of model {model.name!r} has no range yet; fit the "
                    "model first, a few steps are enough, or give tflq.quantize data=."
                )
            if not np.isfinite([np.asarray(layer.low), np.asarray(layer.high)]).all():
                raise UserError(diverged(model))


def _fix(layer: Layer, nodes: list[Node]) -> None:
    low, high = (float(bound) for bound in layer.source.range())
    if layer.source.bits == 16:
        scale = float(codes_of(tf.constant(low), tf.constant(high), bits=16)[0])
        # One code more on the negative side, which files do not use.
        low, high = -32767 * scale, 32767 * scale * 32767 / 32768
    elif low == high == 0:
        low, high = _NOTHING
    layer.cls, layer.weights = ConstantFakeQuant, []
    bounds = {"low": low, "high": high, "bits": layer.source.bits}
    layer.config = bounds | {"dtype": "float32"}
    _keep_values(nodes)


def _keep_values(nodes: list[Node]) -> None:
    """Takes scales and codes away from calls, which leaves one input and one output."""
    for node in nodes:
        node.inputs, node.outputs = node.inputs[:1], node.outputs[:1]
        node.arguments = single_argument


def _scales(graph: KerasGraph) -> dict[int, Any]:
    """By number of a tensor that holds codes, their scale."""
    return {
        node.outputs[1]: codes_of(*node.layer.source.range(), bits=node.layer.source.bits)[0]
        for node in graph.nodes
        if isinstance(node.layer.source, FakeQuant)
    }


def _set_kernel(
    layer: Layer, nodes: list[Node], scales: list[Any], weights: dict[str, TrainedWeights]
) -> None:
    source, inner = layer.source, layer.source.layer
    known = [scale for scale in scales if scale is not None]
    kernel, bias, bound = source.folded(min(known, key=float) if known else None)
    values = [np.asarray(value) for value in (kernel, bias) if value is not None]
    if bound is not None:
        _remember(weights, values[0], bound, source.quantizer.bits)
    layer.cls, layer.weights, layer.passes_mask = type(inner), values, source.passes_mask
    layer.config = {k: v for k, v in live_config(inner).items() if not k.startswith("lora")}
    if "use_bias" in layer.config:
        layer.config["use_bias"] = bias is not None
    _keep_values(nodes)


def _set_weights(layer: Layer, weights: dict[str, TrainedWeights]) -> None:
    source, inner = layer.source, layer.source.layer
    rounded = {}
    for variable, quantizer, value in source.quantized():
        bound = quantizer.bound(value, None, None)
        rounded[id(variable)] = np.asarray(quantizer.quantize(value, bound))
        _remember(weights, rounded[id(variable)], bound, quantizer.bits)
    layer.cls, layer.config = type(inner), live_config(inner)
    layer.weights = [rounded.get(id(v), np.asarray(v)) for v in inner.weights]


def _remember(weights: dict[str, TrainedWeights], value: Any, bound: Any, bits: int) -> None:
    digest, bounds = weights_digest(value), np.asarray(bound, np.float64).reshape(-1)
    known = weights.get(digest)
    if known is not None and known.bound.shape == bounds.shape:
        bounds = np.maximum(known.bound, bounds)
    weights[digest] = TrainedWeights(bound=bounds, bits=bits)


def _float_layers(graph: KerasGraph) -> set[str]:
    """Names of the layers without weights that stay float in the file."""
    producers = graph.producers()
    return {
        producers[node.inputs[0]].layer.name
        for node in graph.nodes
        if isinstance(node.layer.source, FakeQuant)
        and node.layer.source.floating
        and node.inputs[0] in producers
    }


def _scheme_of(model: Any) -> str:
    """The registered scheme that the quantizers make up."""
    layers = quantized_layers(model)
    activations = {q.bits for q in layers if isinstance(q, FakeQuant) and q.fixed is None}
    kernels = [q.quantizer for q in layers if isinstance(q, QuantizedKernel) and q.quantizer]
    bits = min((quantizer.bits for quantizer in kernels), default=8)
    fine = any(quantizer.axes for quantizer in kernels) or not kernels
    for name in schemes():
        scheme = get_scheme(name)
        if (
            scheme.writer is Writer.INTEGER
            and scheme.weight_bits == bits
            and scheme.per_channel == fine
            and scheme.activation_bits in activations
        ):
            return name
    raise UserError(
        f"model {model.name!r} was quantized to {bits}-bit weights and {sorted(activations)}-bit "
        "activations, a scheme that is not registered here; register it with "
        "tflq.register_scheme."
    )
