"""Reads and writes .tflite flatbuffers, trusting nothing in a file that is read."""

import os
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._errors import UserError
from tflq.tflite_side._extent import check_extent
from tflq.tflite_side._sound import check_sound, indices

IDENTIFIER = b"TFL3"


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The content of a .tflite file.

    Raises:
        UserError: no such file, not readable, or not a .tflite.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"model file {str(file)!r} does not exist; check the path.")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"model file {str(file)!r} cannot be read: {error.strerror}.") from error
    if content[4:8] != IDENTIFIER:
        raise UserError(
            f"model file {str(file)!r} is not a .tflite (its identifier {IDENTIFIER.decode()} is "
            "missing): it is damaged or of another kind; export it again."
        )
    return content


def parse(content: bytes, *, name: str) -> Any:
    """Reads a flatbuffer into the schema's object tree (`schema.ModelT`) and checks its indices.

    Args:
        content: the whole file.
        name: how messages call it.

    Returns:
        The `ModelT`; buffers that lie outside of the flatbuffer are brought inside, and
        every op has its code in both of the fields that hold it.

    Raises:
        UserError: the content is damaged.
    """
    try:
        check_extent(content)
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        _bring_buffers_inside(model, content)
        check_sound(model)
        _settle_codes(model)
    except Exception as error:
        # The generated reader raises whatever a wrong offset leads it to; what is wrong with what
        # it has read comes as a ValueError.
        reason = error if type(error) is ValueError else "its tables lead out of the file"
        raise UserError(f"{name} is damaged ({reason}); export or copy it again.") from error
    return model


def pack(model: Any) -> bytes:
    """The flatbuffer of a `ModelT`.

    Raises:
        UserError: it would be larger than 2 GB.
    """
    builder = flatbuffers.Builder(1 << 20)
    try:
        builder.Finish(model.Pack(builder), IDENTIFIER)
    except flatbuffers.builder.BuilderSizeError as error:
        raise UserError("the model is larger than the 2 GB that a .tflite can hold.") from error
    return bytes(builder.Output())


def share_buffers(model: Any) -> None:
    """Lets constants of equal content share one buffer, and drops what nothing holds, in place.

    The quantizer writes a weight that several ops read once for each of them.
    """
    first: dict[bytes, int] = {}
    used = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    for tensor in used:
        data = model.buffers[tensor.buffer].data
        if data is not None and len(data) and not tensor.isVariable:
            tensor.buffer = first.setdefault(bytes(data), tensor.buffer)
    _drop_unused_buffers(model, [*used, *(model.metadata or [])])


def _drop_unused_buffers(model: Any, holders: list[Any]) -> None:
    # The first one is empty by convention; the field is of the oldest files.
    oldest = indices(model.metadataBuffer)
    kept = sorted({0, *oldest, *(holder.buffer for holder in holders)})
    places = {old: new for new, old in enumerate(kept)}
    for holder in {id(holder): holder for holder in holders}.values():
        holder.buffer = places[holder.buffer]
    if oldest:
        model.metadataBuffer = [places[index] for index in oldest]
    model.buffers = [model.buffers[index] for index in kept]


def operator_code(model: Any, builtin: int) -> int:
    """Index of a builtin's entry in the model's table of operators, which is made if need be."""
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == builtin:
            return index
    code = schema.OperatorCodeT()
    _set_code(code, builtin)
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def conversion(model: Any, kind: str, source: int, target: int) -> Any:
    """An operator of one input and one output, such as QUANTIZE, to be laid into a subgraph."""
    operator = schema.OperatorT()
    operator.opcodeIndex = operator_code(model, getattr(schema.BuiltinOperator, kind))
    operator.inputs, operator.outputs = [source], [target]
    return operator


def drop_unused_tensors(model: Any, number: int = 0) -> None:
    """Removes a subgraph's tensors that no op, input or output names, in place."""
    graph = model.subgraphs[number]
    fields = ("inputs", "outputs", "intermediates")
    named, operators = [*graph.inputs, *graph.outputs], graph.operators or []
    for operator in operators:
        for field in fields:
            named += indices(getattr(operator, field))
    kept = sorted({int(index) for index in named if index >= 0})
    moved = {-1: -1} | {old: new for new, old in enumerate(kept)}
    graph.tensors = [graph.tensors[index] for index in kept]
    for holder in (graph, *operators):
        for field in fields:
            if getattr(holder, field, None) is not None:
                setattr(holder, field, [moved[i] for i in indices(getattr(holder, field))])
    model.signatureDefs = None


def _bring_buffers_inside(model: Any, content: bytes) -> None:
    for buffer in model.buffers:
        if buffer.offset > 1:
            end = buffer.offset + buffer.size
            if end > len(content):
                raise ValueError("a buffer ends behind the file")
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0


def _settle_codes(model: Any) -> None:
    """Old files keep an op's code in the deprecated byte only; other tools read the wide field."""
    for code in model.operatorCodes or []:
        _set_code(code, max(code.builtinCode, code.deprecatedBuiltinCode))


def _set_code(code: Any, builtin: int) -> None:
    code.builtinCode = builtin
    # Codes that do not fit the old byte field are marked by its highest value.
    code.deprecatedBuiltinCode = min(builtin, 127)
