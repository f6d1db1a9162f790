"""Writes a full-integer .tflite from a float one and our ranges.

The ranges are written into the float flatbuffer as each tensor's min and max, and TensorFlow's
own quantizer rewrites the ops; weights and biases are then set by `_weights`. The quantizer is
a private function of TensorFlow, so the supported TensorFlow range is narrow and the result is
read back and checked at every export.
"""

import copy
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._errors import UserError
from tflq._limits import QUANTIZER_SECONDS
from tflq._reasons import quantizer_reason
from tflq.apart import CrashError, TimeLimitError, quantize
from tflq.tflite_side._file import pack, parse
from tflq.tflite_side._fused_lstm import add_inner_ranges
from tflq.tflite_side._graph import Graph
from tflq.tflite_side._islands import close_islands
from tflq.tflite_side._kernel_rules import SAME_SCALE
from tflq.tflite_side._weights import set_weights_and_biases


def write_integer(
    floating: Graph,
    ranges: Mapping[int, tuple[float, float]],
    bounds: Mapping[int, np.ndarray],
    bits: Mapping[int, int],
    *,
    per_channel: bool,
    apart: Collection[int] = (),
) -> Graph:
    """Quantizes weights, and activations to 8 bits; inputs and outputs become int8.

    Args:
        floating: the normalized float graph; its tensors' min and max are set.
        ranges: (min, max) of every activation by tensor index.
        bounds: largest absolute weight by weight tensor index, one value or one a channel.
        bits: bits of a weight by the same index.
        per_channel: granularity of the weights that have no bound.
        apart: indices of ops that stay in float.

    Returns:
        The integer graph.
    """
    for index, (low, high) in ranges.items():
        raw = floating.model.subgraphs[0].tensors[index]
        raw.quantization = schema.QuantizationParametersT()
        raw.quantization.min, raw.quantization.max = [np.float32(low)], [np.float32(high)]
    add_inner_ranges(floating, ranges)
    _mark(floating)
    content = _quantize(_packed_without(floating, apart), floating, per_channel=per_channel)
    model = parse(content, name="the int8 file")
    _show(model, floating)
    close_islands(model)
    _restore_names(model, floating)
    integer = Graph(model)
    set_weights_and_biases(integer, floating, bounds, bits=bits)
    return Graph(integer.model)


# Ops that the quantizer takes to have one scale for what they read and make.
_TIED = SAME_SCALE | {"SCATTER_ND"}
_HIDDEN = re.compile(r"tflq_float_(\d+)")


def _packed_without(floating: Graph, apart: Collection[int]) -> bytes:
    """The float file with ops that share no scale as custom ones, which the quantizer leaves.

    It would take them for integer ops, whose kernels force one scale on what they read and make.
    """
    model, operators = floating.model, floating.model.subgraphs[0].operators
    hidden = [op.index for op in floating.ops if op.index in apart and op.kind in _TIED]
    codes = list(model.operatorCodes)
    whole = {index: copy.copy(operators[index]) for index in hidden}
    for index in hidden:
        code = schema.OperatorCodeT(customCode=f"tflq_float_{index}", version=1)
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        operators[index].opcodeIndex = len(model.operatorCodes)
        operators[index].builtinOptionsType, operators[index].builtinOptions = 0, None
        model.operatorCodes = [*model.operatorCodes, code]
    content = pack(model)
    model.operatorCodes = codes
    for index, operator in whole.items():
        operators[index] = operator
    return content


def _show(model: Any, floating: Graph) -> None:
    """Makes the hidden ops what they were, in place."""
    for op in Graph(model).ops:
        found = _HIDDEN.fullmatch(op.kind)
        if found is None:
            continue
        source = floating.model.subgraphs[0].operators[int(found[1])]
        code = copy.copy(floating.model.operatorCodes[source.opcodeIndex])
        operator = model.subgraphs[0].operators[op.index]
        operator.opcodeIndex = len(model.operatorCodes)
        operator.builtinOptionsType = source.builtinOptionsType
        operator.builtinOptions = source.builtinOptions
        operator.customOptions = None
        model.operatorCodes = [*model.operatorCodes, code]


# The quantizer renames tensors: it appends digits to make names unique, joins the names of an
# op's results, and cuts long ones. A numbered mark survives that.
_MARK = re.compile(r"tflq_(\d+)_")


def _mark(graph: Graph) -> None:
    for tensor in graph.tensors:
        graph.model.subgraphs[0].tensors[tensor.index].name = b"tflq_%d_" % tensor.index


def _restore_names(model: Any, floating: Graph) -> None:
    """Gives the tensors of the int8 file the names of the float tensors they stand for."""
    stands_for = {t.index: m for t in Graph(model).tensors if (m := _marked(t.name)) is not None}
    for op in Graph(model).ops:
        marked = stands_for.get(op.outputs[0]) if op.outputs else None
        source = None if marked is None else floating.producer.get(marked)
        if source is not None and len(op.outputs) == len(source.outputs) > 1:
            stands_for |= dict(zip(op.outputs, source.outputs, strict=True))
    tensors = model.subgraphs[0].tensors
    taken: set[str] = set()
    # Activations first: a constant that was split off one must not take its name.
    for index in sorted(
        stands_for, key=lambda i: model.buffers[tensors[i].buffer].data is not None
    ):
        name = floating.tensors[stands_for[index]].name
        name = name if name not in taken else f"{name}_{index}"
        tensors[index].name = name.encode()
        taken.add(name)


def _marked(name: str) -> int | None:
    found = _MARK.search(name)
    return None if found is None else int(found[1])


def _quantize(content: bytes, floating: Graph, *, per_channel: bool) -> bytes:
    try:
        quantized, refusal = quantize(content, per_channel=per_channel)
    except CrashError as error:
        raise UserError(
            f"TensorFlow's quantizer crashes on the float graph ({error}); the model is damaged, "
            "or has an op that it cannot take: export it again, or replace that layer."
        ) from None
    except TimeLimitError:
        raise UserError(
            f"TensorFlow's quantizer does not finish in {QUANTIZER_SECONDS} s; the model is far "
            "too large for a phone."
        ) from None
    if refusal is not None:
        raise UserError(
            f"TensorFlow's quantizer refuses the float graph{_at(floating, refusal)}: "
            f"{quantizer_reason(refusal)}; keep that layer in float, "
            "scheme_for={'NAME': 'float32'}, or replace it."
        )
    return quantized


def _at(floating: Graph, text: str) -> str:
    """Where an error says that it is, in the names that the float graph had."""
    marks = list(dict.fromkeys(int(mark) for mark in _MARK.findall(text)))[:3]
    names = [floating.tensors[mark].name.split(";")[0] for mark in marks]
    return f" at {', '.join(map(repr, names))}" if names else ""
