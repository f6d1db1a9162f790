"""The verb: a Keras model becomes one that trains as its int8 file will compute."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from tflq._errors import UserError
from tflq.data import samples as open_samples
from tflq.keras_side import (
    KerasGraph,
    Rewriting,
    build_model,
    computes_in_half,
    in_float32,
    is_functional,
    keras_kind,
    read_graph,
    read_signature,
    refuse_infinite,
    refuse_quantized,
)
from tflq.qat._activation import RANGES, FakeQuant
from tflq.qat._depthwise import add_depthwise_convolutions
from tflq.qat._insert import Choices, insert_quantizers
from tflq.qat._merge import merge_clamps
from tflq.qat._model_class import class_to_keep
from tflq.qat._open_layers import LayerOpener
from tflq.qat._outputs import name_outputs
from tflq.qat._plan import match_layers
from tflq.qat._port import port
from tflq.qat._prepare import prepare
from tflq.qat._starting_ranges import set_starting_ranges
from tflq.scheme import Scheme, Writer, get_scheme, schemes

_FLOAT32 = "float32"
# Samples that equalization looks at, for caps.
_EQUALIZING_SAMPLES = 100


def quantize(
    model: Any,
    *,
    scheme: str = "w8a8",
    scheme_for: Mapping[str, str] | None = None,
    skip: Iterable[str] = (),
    ranges: str = "moving_average",
    data: Any = None,
    calibrator: str = "mse",
    equalize: bool = False,
) -> Any:
    """Makes a copy of a model that simulates its quantized file while it trains.

    The copy is an ordinary Keras 3 model: compile, fit, evaluate, save, load and clone it. It has
    the model's weights and shares none of them. `tflq.export(copy, path)` writes its file.

    Args:
        model: functional or Sequential, of Keras 3 or tf_keras, with whatever weights it has.
        scheme: what to quantize to: "w8a8", "w8a8-per-tensor", "w4a8", "w4a8-per-tensor", "w8a16".
        scheme_for: schemes of single layers, `{name or pattern: scheme}`; "float32" keeps a layer
            float.
        skip: names or patterns of layers to keep float, in the file as well.
        ranges: how ranges of activations are found: "moving_average" of every batch's extremes;
            "lsq" learns them, and the bounds of weights (LSQ, LSQ+); "pact" learns where to clip.
        data: samples to start the ranges from, as `tflq.export` takes them; without any, the
            first batch of training starts them.
        calibrator: how `data` becomes ranges; see `tflq.calibrators()`.
        equalize: cross-layer equalization first; batch normalizations are folded for good then.

    Returns:
        A `keras.Model`; of the model's own class, where that is made of inputs and outputs.

    Raises:
        UserError: the model is subclassed, quantized already, or has a layer that is not known;
            its class has its own way to train and cannot be kept; a name matches nothing; a
            scheme cannot be trained for; a weight is not finite.

    Example:
        >>> import keras, numpy as np, tflq
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> qat = tflq.quantize(model)
        >>> qat.compile("sgd", "mse")
        >>> x = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4)
        >>> history = qat.fit(x, x[:, :2], verbose=0)
        >>> qat.predict(x, verbose=0).shape
        (8, 2)
    """
    default = _trainable_scheme(scheme, "scheme")
    if ranges not in RANGES:
        raise UserError(f"ranges={ranges!r} is unknown; choose one of: {', '.join(RANGES)}.")
    _refuse_subclassed(model)
    refuse_quantized(model)
    refuse_infinite(model)
    cls = class_to_keep(model)
    if computes_in_half(model):
        # Weights of half precision do not train: the steps of quantization are finer.
        model = in_float32(model)
    graph = _read(model, equalize, data, default)
    if any(node.layer.cls is FakeQuant for node in graph.nodes):
        raise UserError(
            f"model {graph.name!r} is quantized already; train it as it is, or quantize the float "
            "model that it was made from."
        )
    port(graph)
    prepare(graph)
    add_depthwise_convolutions(graph)
    merge_clamps(graph)
    choices = Choices(
        default=default, scheme=_scheme_by_name(graph, scheme_for, skip), ranges=ranges
    )
    doors = insert_quantizers(graph, choices)
    name_outputs(graph)
    made = build_model(graph, cls=cls)
    if data is not None:
        set_starting_ranges(made, data, calibrator=calibrator, doors=doors)
    return made


def _trainable_scheme(name: str, argument: str) -> Scheme:
    scheme = get_scheme(name)
    if scheme.writer is not Writer.INTEGER:
        known = [n for n in schemes() if get_scheme(n).writer is Writer.INTEGER]
        raise UserError(
            f"{argument}: {name!r} keeps activations float, so there is nothing to train for; "
            f"choose one of: {', '.join(known)}."
        )
    return scheme


def _scheme_by_name(
    graph: KerasGraph, scheme_for: Mapping[str, str] | None, skip: Iterable[str]
) -> dict[str, Scheme | None]:
    skipped = (skip,) if isinstance(skip, str) else skip
    found = match_layers(graph, scheme_for or {}, argument="scheme_for")
    found |= match_layers(graph, dict.fromkeys(skipped, _FLOAT32), argument="skip")
    return {
        layer.name: None if name == _FLOAT32 else _trainable_scheme(name, "scheme_for")
        for layer, name in found.items()
    }


def _read(model: Any, equalize: bool, data: Any, scheme: Scheme) -> KerasGraph:
    if not equalize:
        return read_graph(model, opened=LayerOpener())
    rewriting = Rewriting(model)
    samples = None
    if data is not None:
        inputs = read_signature(model, None).inputs
        samples = itertools.islice(open_samples(data, inputs), _EQUALIZING_SAMPLES)
    rewriting.equalize(samples, bits=scheme.weight_bits, per_channel=scheme.per_channel)
    graph = read_graph(rewriting.build(), opened=LayerOpener())
    graph.output_names = read_graph(model).output_names
    return graph


def _refuse_subclassed(model: Any) -> None:
    """Says which layers only the model's own code connects."""
    if keras_kind(model) is None:
        raise UserError(
            f"model is a {type(model).__name__}; give a functional or Sequential Keras model."
        )
    if is_functional(model):
        return
    name, layers = type(model).__name__, getattr(model, "layers", [])
    if name == "Sequential":
        raise UserError(
            f"model {model.name!r} has not been built; start it with keras.Input(shape)."
        )
    some = ", ".join(layer.name for layer in layers[:8]) or "none yet"
    raise UserError(
        f"model {model.name!r} is a subclassed {name}, whose code alone knows how its layers "
        f"({some}) connect; build it with the functional API (call its layers on keras.Input), "
        "or export it without training: tflq.export(model, path, data=...)."
    )
