"""Graphs of one op, built from the schema, for rules that no exported network breaks."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.targets._rules import Site
from tflq.tflite_side import Graph

TYPES = {
    name.lower(): value for name, value in vars(schema.TensorType).items() if isinstance(value, int)
}


class T:
    """A tensor; `value` makes it a constant, `scale` one number or one a channel."""

    def __init__(self, *shape, dtype="int8", value=None, scale=0.1, zero=0):
        self.shape = list(shape) if value is None else list(np.shape(value))
        self.dtype, self.value, self.scale, self.zero = dtype, value, scale, zero


def graph(kind, inputs, outputs, *, version=1, **options):
    """A graph with one op; an input of None is an optional one that is missing.

    Options are those of the op, under the schema's names.
    """
    model = schema.ModelT()
    model.buffers = [schema.BufferT()]
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version
    model.operatorCodes = [code]
    sub = schema.SubGraphT()
    sub.tensors = []
    op = schema.OperatorT()
    op.opcodeIndex = 0
    op.inputs = [-1 if t is None else _add(model, sub, t) for t in inputs]
    op.outputs = [_add(model, sub, t) for t in outputs]
    op.builtinOptions = type("Options", (), options)() if options else None
    sub.operators = [op]
    stored = [t is not None and t.value is not None for t in inputs]
    sub.inputs = [i for i, s in zip(op.inputs, stored, strict=True) if i >= 0 and not s]
    sub.outputs = list(op.outputs)
    model.subgraphs = [sub]
    return Graph(model)


def site(kind, inputs, outputs, **rest):
    """The one op of such a graph."""
    made = graph(kind, inputs, outputs, **rest)
    return Site(made, made.ops[0])


def _add(model, sub, t):
    tensor = schema.TensorT()
    tensor.name = f"t{len(sub.tensors)}".encode()
    tensor.shape = [n or 1 for n in t.shape]
    tensor.shapeSignature = [-1 if n is None else n for n in t.shape]
    tensor.type = TYPES[t.dtype]
    buffer = schema.BufferT()
    if t.value is not None:
        data = np.asarray(t.value).astype("int8" if t.dtype == "int4" else t.dtype).tobytes()
        buffer.data = np.frombuffer(data, np.uint8)
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
    if t.dtype in ("int8", "uint8", "int16", "int4"):
        held = schema.QuantizationParametersT()
        held.scale = np.atleast_1d(np.asarray(t.scale, np.float32))
        held.zeroPoint = np.full(held.scale.size, t.zero, np.int64)
        tensor.quantization = held
    sub.tensors.append(tensor)
    return len(sub.tensors) - 1
