"""Single ops over codes as .tflite files, and what LiteRT and the simulation make of them."""

import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq._quiet import quiet
from tflq.integer import simulate
from tflq.tflite_side._file import operator_code, pack

TYPES = {
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int4": schema.TensorType.INT4,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "float32": schema.TensorType.FLOAT32,
    "bool": schema.TensorType.BOOL,
}


class T:
    """A tensor: shape, dtype, scale(s), zero point(s), axis of the channels, constant value."""

    def __init__(self, shape, dtype="int8", *, scale=None, zero=0, axis=0, value=None):
        self.shape, self.dtype, self.axis, self.value = tuple(shape), dtype, axis, value
        self.scale = None if scale is None else np.atleast_1d(np.float32(scale))
        self.zero = np.atleast_1d(zero)


def constant(value, dtype="int32", **options):
    value = np.asarray(value, dtype if dtype != "int4" else "int8")
    return T(value.shape, dtype, value=value, **options)


def options(name, **fields):
    made = getattr(schema, name + "T")()
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def file(kind, inputs, outputs, options=None):
    """A .tflite of one op; inputs without a value are its doors, None is left out."""
    model = schema.ModelT()
    model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
    sub = schema.SubGraphT()
    sub.tensors = []
    operator = schema.OperatorT()
    operator.opcodeIndex = operator_code(model, getattr(schema.BuiltinOperator, kind))
    model.operatorCodes[0].version = 2 if kind == "BROADCAST_TO" else 1
    operator.inputs = [-1 if t is None else _add(model, sub, t) for t in inputs]
    operator.outputs = [_add(model, sub, t) for t in outputs]
    if options is not None:
        operator.builtinOptions = options
        name = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
    sub.operators = [operator]
    doors = zip(operator.inputs, inputs, strict=True)
    sub.inputs = list(dict.fromkeys(i for i, t in doors if t is not None and t.value is None))
    sub.outputs = operator.outputs
    model.subgraphs = [sub]
    return pack(model)


def _add(model, sub, t):
    raw = schema.TensorT()
    raw.name, raw.shape, raw.type = b"t%d" % len(sub.tensors), list(t.shape), TYPES[t.dtype]
    raw.buffer = 0
    if t.scale is not None:
        raw.quantization = schema.QuantizationParametersT()
        raw.quantization.scale = t.scale
        raw.quantization.zeroPoint = np.broadcast_to(t.zero, t.scale.shape).astype(np.int64)
        raw.quantization.quantizedDimension = t.axis
    if t.value is not None:
        data = t.value if t.dtype != "int4" else _nibbles(t.value)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        model.buffers.append(buffer)
        raw.buffer = len(model.buffers) - 1
    sub.tensors.append(raw)
    return len(sub.tensors) - 1


def _nibbles(value):
    flat = value.ravel().astype(np.uint8) & 15
    flat = np.append(flat, np.uint8(0)) if len(flat) % 2 else flat
    return flat[::2] | flat[1::2] << 4


def runtime(content, feeds):
    """The runtime's outputs, sample by sample; feeds are (samples, ...) codes by input name."""
    from ai_edge_litert.interpreter import Interpreter

    with quiet():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    doors = interpreter.get_input_details()
    made = []
    for i in range(len(next(iter(feeds.values())))):
        for door in doors:
            interpreter.set_tensor(door["index"], feeds[door["name"]][i : i + 1])
        interpreter.invoke()
        made.append([interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()])
    return [np.concatenate(output) for output in zip(*made, strict=True)]


def delegated(content):
    from tflq.tflite_side import xnnpack_delegation

    return xnnpack_delegation(content).whole


def codes(rng, shape, dtype="int8", samples=3):
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max + 1, (samples, *shape[1:])).astype(dtype)


def check(content, feeds):
    """Asserts that every code is the runtime's; returns the codes."""
    expected = runtime(content, feeds)
    made = simulate(content, feeds)
    for want, got in zip(expected, made, strict=True):
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        wrong = np.count_nonzero(got != want)
        assert wrong == 0, f"{wrong} of {want.size} codes differ"
    return made


def scale(rng, low=1e-3, high=1e-1):
    """A scale, spread over decades."""
    return np.float32(np.exp(rng.uniform(np.log(low), np.log(high))))


def zero(rng, dtype="int8"):
    limits = np.iinfo(dtype)
    return int(rng.integers(limits.min, limits.max + 1))


def exported(model, data, tmp_path, **choices):
    """The int8 .tflite of a Keras model."""
    import tflq

    path = tmp_path / "it.tflite"
    tflq.export(model, path, data=data, calibrator="minmax", **choices)
    return path.read_bytes()


def dense(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
