"""Changes what dtype a quantized graph takes and gives: int8, uint8, int16 or float32."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._errors import UserError
from tflq.scheme import Scheme
from tflq.tflite_side._file import conversion
from tflq.tflite_side._graph import Graph

Io = str | Mapping[str, str]
"""One dtype for all inputs and outputs, or one each, by "input", "output" or name."""

IO_TYPES = ("int8", "uint8", "int16", "float32")
# By bits of an activation.
_GOES_WITH: dict[int | None, tuple[str, ...]] = {
    None: ("float32",),
    8: ("int8", "uint8", "float32"),
    16: ("int16", "float32"),
}
_TYPE = {"uint8": schema.TensorType.UINT8, "float32": schema.TensorType.FLOAT32}


def default_io(scheme: Scheme) -> str:
    """The dtype of inputs and outputs that needs no conversion."""
    return "float32" if scheme.activation_bits is None else f"int{scheme.activation_bits}"


@dataclass(frozen=True, kw_only=True)
class Doors:
    """The dtype of every input and every output, in the file's order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def check_io(io: Io, scheme: Scheme) -> None:
    """Refuses dtypes of inputs and outputs.

    Raises:
        UserError: one is not of `IO_TYPES`, or does not go with the scheme.
    """
    allowed = _GOES_WITH[scheme.activation_bits]
    for dtype in io.values() if isinstance(io, Mapping) else (io,):
        if dtype not in IO_TYPES:
            raise UserError(f"io={io!r} is unknown; choose one of: {', '.join(IO_TYPES)}.")
        if dtype not in allowed:
            kept = "stay float32" if scheme.activation_bits is None else "have 16 bits"
            kept = "have 8 bits" if scheme.activation_bits == 8 else kept
            raise UserError(
                f"io={io!r} does not go with scheme={scheme.name!r}, whose activations {kept}; "
                f"choose one of: {', '.join(allowed)}."
            )


def resolve_io(io: Io, scheme: Scheme, *, inputs: Sequence[str], outputs: Sequence[str]) -> Doors:
    """What `io` says of each input and output; a name says more than "input" and "output".

    Args:
        io: checked by `check_io`; where it tells nothing of one, that needs no conversion.
        scheme: of the file.
        inputs: names of the inputs.
        outputs: names of the outputs.

    Raises:
        UserError: it names what the model does not have.
    """
    if not isinstance(io, Mapping):
        return Doors(inputs=(io,) * len(inputs), outputs=(io,) * len(outputs))
    unknown = [name for name in io if name not in ("input", "output", *inputs, *outputs)]
    if unknown:
        raise UserError(
            f"io={dict(io)!r} names {unknown[0]!r}; the model has the inputs "
            f"{', '.join(inputs)} and the outputs {', '.join(outputs)}, all of which 'input' and "
            "'output' name."
        )
    default = default_io(scheme)
    return Doors(
        inputs=tuple(io.get(name, io.get("input", default)) for name in inputs),
        outputs=tuple(io.get(name, io.get("output", default)) for name in outputs),
    )


def set_io(graph: Graph, doors: Doors) -> Graph:
    """Puts conversions at int8 inputs and outputs.

    Args:
        graph: a graph with int8 inputs and outputs; other dtypes, such as int32 token ids, stay.
        doors: their dtypes to be; int8 and int16 need no conversions.

    Returns:
        The graph with them; the one given is used up.
    """
    subgraph = graph.model.subgraphs[0]
    inputs, outputs = list(graph.inputs), list(graph.outputs)
    for place, (index, io) in enumerate(zip(graph.inputs, doors.inputs, strict=True)):
        if graph.tensors[index].dtype == "int8" and io in _TYPE:
            inputs[place] = _add_tensor(subgraph, index, io)
            subgraph.operators.insert(0, conversion(graph.model, "QUANTIZE", inputs[place], index))
    for place, (index, io) in enumerate(zip(graph.outputs, doors.outputs, strict=True)):
        if graph.tensors[index].dtype == "int8" and io in _TYPE:
            outputs[place] = _add_tensor(subgraph, index, io)
            kind = "DEQUANTIZE" if io == "float32" else "QUANTIZE"
            subgraph.operators.append(conversion(graph.model, kind, index, outputs[place]))
    subgraph.inputs, subgraph.outputs = inputs, outputs
    return Graph(graph.model)


def _add_tensor(subgraph: Any, like: int, io: str) -> int:
    raw = subgraph.tensors[like]
    tensor = schema.TensorT()
    tensor.name = raw.name + b"_" + io.encode()
    tensor.shape, tensor.shapeSignature = raw.shape, raw.shapeSignature
    tensor.hasRank, tensor.buffer, tensor.type = raw.hasRank, 0, _TYPE[io]
    if io == "uint8":
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = raw.quantization.scale
        tensor.quantization.zeroPoint = np.asarray(raw.quantization.zeroPoint) + 128
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1
