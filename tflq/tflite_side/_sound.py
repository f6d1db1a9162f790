"""What every reader of a .tflite relies on: ours, LiteRT's and TensorFlow's quantizer.

Of those, only ours tell what is wrong; the others read memory that is not theirs. So all of it is
looked at once, after the flatbuffer was read.
"""

import math
from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._limits import TENSOR_ELEMENTS, TENSOR_RANK
from tflq.tflite_side._inner_graphs import inner_graphs

# Ops that remember what they compute on the way in tensors of their own.
_REMEMBERING = frozenset({"LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"})


def _names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


#: The schema's names of types and of builtin ops, by their numbers.
TYPES, KINDS = _names(schema.TensorType), _names(schema.BuiltinOperator)
_ITEM_BITS = {
    "FLOAT32": 32,
    "FLOAT16": 16,
    "INT32": 32,
    "INT64": 64,
    "INT16": 16,
    "INT8": 8,
    "UINT8": 8,
    "BOOL": 8,
    "INT4": 4,
    "FLOAT64": 64,
    "BFLOAT16": 16,
    "UINT16": 16,
    "UINT32": 32,
    "UINT64": 64,
    "COMPLEX64": 64,
    "COMPLEX128": 128,
    "FLOAT8_E4M3FN": 8,
    "FLOAT8_E5M2": 8,
    "UINT4": 4,
    "INT2": 2,
}


def check_sound(model: Any) -> None:
    """Checks a whole `ModelT`.

    Raises:
        ValueError: what of it cannot be, as the end of a sentence.
    """
    if not model.subgraphs:
        raise ValueError("it has no subgraph")
    if model.externalBuffers or model.externalBufferGroups:
        raise ValueError("it keeps weights in other files, which are not read")
    _check_texts(model)
    for graph in model.subgraphs:
        for tensor in graph.tensors or ():
            _check_tensor(tensor, model.buffers or ())
        _check_ops(graph, model)
        _check_order(graph, model)
    # What is called once, to set states, may have none.
    if not indices(model.subgraphs[0].outputs):
        raise ValueError("it has no outputs")
    _check_nesting(model)
    _check_signatures(model)
    _check_metadata(model)


def _name_of(tensor: Any) -> str:
    """How a message calls a tensor."""
    return repr((tensor.name or b"").decode("utf-8", "replace"))


def _check_texts(model: Any) -> None:
    """All are text, for LiteRT hands them on as such."""
    graphs = model.subgraphs
    texts = [model.description, *(code.customCode for code in model.operatorCodes or ())]
    texts += [graph.name for graph in graphs]
    texts += [tensor.name for graph in graphs for tensor in graph.tensors or ()]
    for text in texts:
        _require_text(text)


def _require_text(text: bytes | str | None) -> None:
    try:
        if isinstance(text, bytes):
            text.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the name {text!r} is not UTF-8") from error


def _require_name(text: bytes | str | None, what: str) -> None:
    if text is None:
        raise ValueError(f"{what} has no name")
    _require_text(text)


def _check_tensor(tensor: Any, buffers: Sequence[Any]) -> None:
    _require(tensor.buffer, len(buffers), "buffer")
    if tensor.type not in TYPES:
        raise ValueError(f"tensor {_name_of(tensor)} is of type {tensor.type}, which is unknown")
    shape = indices(tensor.shape)
    if len(shape) > TENSOR_RANK or min(shape, default=0) < 0 or math.prod(shape) > TENSOR_ELEMENTS:
        raise ValueError(f"tensor {_name_of(tensor)} has shape {shape}")
    _check_signature_shape(tensor, shape)
    _check_size(tensor, shape, buffers[tensor.buffer].data)
    _check_quantization(tensor, shape)


def _check_signature_shape(tensor: Any, shape: list[int]) -> None:
    if tensor.shapeSignature is None:
        return
    signature = indices(tensor.shapeSignature)
    fits = len(signature) == len(shape)
    if not fits or any(a not in (-1, b) for a, b in zip(signature, shape, strict=True)):
        raise ValueError(f"tensor {_name_of(tensor)} has shape {shape} and signature {signature}")


def _check_size(tensor: Any, shape: list[int], data: Any) -> None:
    bits = _ITEM_BITS.get(TYPES[tensor.type])
    if data is None or len(data) == 0 or bits is None or tensor.sparsity:
        return
    size = math.prod(shape)
    if -(-size * bits // 8) != len(data):
        raise ValueError(f"tensor {_name_of(tensor)} needs {size} values, {len(data)} bytes came")


def _check_quantization(tensor: Any, shape: list[int]) -> None:
    held = tensor.quantization
    if held is None or held.scale is None or len(held.scale) == 0:
        return
    scales, points = len(held.scale), 0 if held.zeroPoint is None else len(held.zeroPoint)
    axis = int(held.quantizedDimension)
    # One scale goes for the whole tensor, whatever its axis is.
    sizes = {1, shape[axis]} if 0 <= axis < len(shape) else {1}
    if scales not in sizes or points not in (0, 1, scales):
        raise ValueError(
            f"tensor {_name_of(tensor)} of shape {shape} has {scales} scales and {points} zero "
            f"points along axis {axis}"
        )
    if not np.all(np.isfinite(held.scale)) or np.min(held.scale) < 0:
        raise ValueError(f"tensor {_name_of(tensor)} has a scale that is negative or not finite")


def _check_ops(graph: Any, model: Any) -> None:
    count = len(graph.tensors or ())
    for index in (*indices(graph.inputs), *indices(graph.outputs)):
        _require(index, count, "tensor")
    for operator in graph.operators or ():
        _require(operator.opcodeIndex, len(model.operatorCodes or ()), "operator code")
        kind = _kind(operator, model)
        if kind not in _REMEMBERING:
            # The quantizer takes whatever stands there for such tensors.
            operator.intermediates = None
        for index in (*indices(operator.outputs), *indices(operator.intermediates)):
            _require(index, count, "tensor")
        for index in indices(operator.inputs):
            _require(index, count, "tensor", lowest=-1)
        _check_options(operator, kind)
        for number in inner_graphs(operator):
            _require(number, len(model.subgraphs), "subgraph")


def _kind(operator: Any, model: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return KINDS.get(number, f"BUILTIN_{number}")


# The classes of options by the names of ops; those that share one are named in _SHARED.
_OPTIONS = {
    name.removesuffix("Options").lower(): f"{name}T"
    for name in vars(schema.BuiltinOptions)
    if name.endswith("Options")
}
_SHARED = {
    "AVERAGE_POOL_2D": "Pool2DOptionsT",
    "MAX_POOL_2D": "Pool2DOptionsT",
    "L2_POOL_2D": "Pool2DOptionsT",
    "MEAN": "ReducerOptionsT",
    "SUM": "ReducerOptionsT",
    "REDUCE_PROD": "ReducerOptionsT",
    "REDUCE_MAX": "ReducerOptionsT",
    "REDUCE_MIN": "ReducerOptionsT",
    "REDUCE_ANY": "ReducerOptionsT",
    "REDUCE_ALL": "ReducerOptionsT",
    "CONV_3D_TRANSPOSE": "Conv3DOptionsT",
    "MAXIMUM": "MaximumMinimumOptionsT",
    "MINIMUM": "MaximumMinimumOptionsT",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNNOptionsT",
}
# Ops whose meaning hangs on their options, of which none goes without.
_NEEDED = frozenset(
    {
        *("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "CONV_3D", "CONV_3D_TRANSPOSE"),
        *("FULLY_CONNECTED", "BATCH_MATMUL", "SVDF", "RNN", "LSTM"),
        *("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"),
        *("ADD", "SUB", "MUL", "DIV", "CONCATENATION", "PACK", "UNPACK", "SPLIT", "SPLIT_V"),
        *("SOFTMAX", "LEAKY_RELU", "MIRROR_PAD", "STRIDED_SLICE", "CUMSUM"),
        *("DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"),
        *("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "IF", "WHILE", "CALL_ONCE"),
        *("UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "VAR_HANDLE"),
        *("UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN"),
    }
)


def _check_options(operator: Any, kind: str) -> None:
    wanted = _SHARED.get(kind) or _OPTIONS.get(kind.replace("_", "").lower())
    given = operator.builtinOptions
    if given is None and kind not in _NEEDED:
        return
    if wanted is not None and type(given).__name__ != wanted:
        came = "none" if given is None else f"{type(given).__name__.removesuffix('T')}"
        raise ValueError(f"op {kind} needs {wanted.removesuffix('T')}, {came} came")


def _check_order(graph: Any, model: Any) -> None:
    """Ops run in the order of the file: each reads only what was made before it, and once."""
    tensors = graph.tensors or ()
    held = {index for index, tensor in enumerate(tensors) if _holds(tensor, model.buffers)}
    ready = held | set(indices(graph.inputs))
    fixed = set(ready)
    for place, operator in enumerate(graph.operators or ()):
        kind = _kind(operator, model)
        for index in indices(operator.inputs):
            if index >= 0 and index not in ready:
                raise ValueError(
                    f"op {place} ({kind}) reads tensor {_name_of(tensors[index])}, which no op "
                    "before it makes"
                )
        for index in indices(operator.outputs):
            if index in ready and (index in fixed or not tensors[index].isVariable):
                raise ValueError(
                    f"op {place} ({kind}) makes tensor {_name_of(tensors[index])} a second time"
                )
        ready |= set(indices(operator.outputs))
    for index in indices(graph.outputs):
        if index not in ready:
            raise ValueError(f"output {_name_of(tensors[index])} is made by no op")


def _check_nesting(model: Any) -> None:
    """No subgraph runs itself, by whatever way round."""
    inner = {
        number: {i for operator in graph.operators or () for i in inner_graphs(operator)}
        for number, graph in enumerate(model.subgraphs)
    }
    try:
        TopologicalSorter(inner).prepare()
    except CycleError as error:
        raise ValueError(f"subgraph {error.args[1][0]} runs itself") from error


def _holds(tensor: Any, buffers: Sequence[Any]) -> bool:
    """Whether a tensor has a value that no op makes: a constant, a state, or nothing at all."""
    data = buffers[tensor.buffer].data
    is_empty = 0 in indices(tensor.shape)
    return (data is not None and len(data) > 0) or bool(tensor.isVariable) or is_empty


def _check_signatures(model: Any) -> None:
    for signature in model.signatureDefs or ():
        _require(signature.subgraphIndex, len(model.subgraphs), "subgraph")
        _require_name(signature.signatureKey, "a signature")
        count = len(model.subgraphs[signature.subgraphIndex].tensors or ())
        for entry in (*(signature.inputs or ()), *(signature.outputs or ())):
            _require(entry.tensorIndex, count, "tensor")
            _require_name(entry.name, "an input or output of a signature")


def _check_metadata(model: Any) -> None:
    count = len(model.buffers or ())
    for entry in model.metadata or ():
        _require(entry.buffer, count, "buffer")
        _require_text(entry.name)
    for index in indices(model.metadataBuffer):
        _require(index, count, "buffer")


def indices(vector: Iterable[Any] | None) -> list[int]:
    """A flatbuffer's vector, which may be missing, as a list."""
    return [] if vector is None else [int(index) for index in vector]


def _require(index: int, count: int, kind: str, *, lowest: int = 0) -> None:
    """Checks that an index is one of `count`."""
    if not lowest <= index < count:
        raise ValueError(f"{kind} {index} of {count}")
