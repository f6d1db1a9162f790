"""Changes what dtype a quantized graph takes and gives: int8, uint8, int16 or float32."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._errors import UserError
from tflq.scheme import Scheme
from tflq.tflite_side._file import operator_code
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


def check_io(io: str, scheme: Scheme) -> None:
    """Refuses a dtype of inputs and outputs.

    Raises:
        UserError: `io` is not one of `IO_TYPES`, or does not go with the scheme.
    """
    if io not in IO_TYPES:
        raise UserError(f"io={io!r} is unknown; choose one of: {', '.join(IO_TYPES)}.")
    allowed = _GOES_WITH[scheme.activation_bits]
    if io not in allowed:
        kept = "stay float32" if scheme.activation_bits is None else "have 16 bits"
        kept = "have 8 bits" if scheme.activation_bits == 8 else kept
        raise UserError(
            f"io={io!r} does not go with scheme={scheme.name!r}, whose activations {kept}; "
            f"choose one of: {', '.join(allowed)}."
        )


def set_io(graph: Graph, io: str) -> Graph:
    """Puts conversions at every int8 input and output.

    Args:
        graph: a graph with int8 inputs and outputs; other dtypes, such as int32 token ids, stay.
        io: the dtype at the door; int8 and int16 need no conversions.

    Returns:
        The graph with them; the one given is used up.
    """
    if io not in _TYPE:
        return graph
    subgraph = graph.model.subgraphs[0]
    inputs, outputs = list(graph.inputs), list(graph.outputs)
    for place, index in enumerate(inputs):
        if graph.tensors[index].dtype == "int8":
            inputs[place] = _add_tensor(subgraph, index, io)
            subgraph.operators.insert(0, _conversion(graph.model, inputs[place], index, "QUANTIZE"))
    kind = "DEQUANTIZE" if io == "float32" else "QUANTIZE"
    for place, index in enumerate(outputs):
        if graph.tensors[index].dtype == "int8":
            outputs[place] = _add_tensor(subgraph, index, io)
            subgraph.operators.append(_conversion(graph.model, index, outputs[place], kind))
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


def _conversion(model: Any, source: int, target: int, kind: str) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = operator_code(model, getattr(schema.BuiltinOperator, kind))
    operator.inputs, operator.outputs = [source], [target]
    return operator
