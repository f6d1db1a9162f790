"""Moves single ops of an int8 graph to int16, or back to float32.

Every op computes in one domain. What it reads is converted where it was made in another one, once
for all that read it so; ops of one domain hand on their results as they are. The conversions
that the graph had are laid anew by the same rule.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.affine import Mode, parameters
from tflq.tflite_side._assignment import Assignment, has_int16_kernel
from tflq.tflite_side._file import conversion, drop_unused_tensors
from tflq.tflite_side._graph import Graph, Op, counterparts
from tflq.tflite_side._int16_kernels import INT16_UNIT_OUTPUT, UNIT_BOUND
from tflq.tflite_side._kernel_rules import SAME_SCALE
from tflq.tflite_side._weights import SLOTS, bias_of, weights_of

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
_CONVERTIBLE = ("int8", "uint8", "int16", "float32")
_TYPES = {
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int16": schema.TensorType.INT16,
    "int64": schema.TensorType.INT64,
    "float32": schema.TensorType.FLOAT32,
}


def move(
    integer: Graph,
    floating: Graph,
    assignment: Assignment,
    ranges: Mapping[int, tuple[float, float]],
    *,
    int16_doors: bool,
) -> Graph:
    """Gives every op the domain that its scheme asks for.

    Args:
        integer: the int8 graph with its final weights; it is used up.
        floating: the float graph it was made from.
        assignment: the scheme of every op of `floating`.
        ranges: (min, max) of every activation by tensor index of `floating`.
        int16_doors: inputs and outputs that are int8 become int16.

    Returns:
        The graph of several domains; `integer` itself where all stays int8.
    """
    domains: dict[int, tuple[str, Op]] = {}
    for op, source in counterparts(integer, floating):
        scheme = assignment[source.index]
        if (
            scheme is not None
            and scheme.activation_bits == 16
            and has_int16_kernel(floating, source)
        ):
            domain = "int16"
        elif scheme is None:
            domain = "float32"
        else:
            continue
        if _may_move(integer, op, floating, source):
            domains[op.index] = domain, source
    if not domains and not int16_doors and None not in assignment.values():
        return integer
    return _Mover(integer, floating, domains, ranges).move(int16_doors=int16_doors)


def _may_move(integer: Graph, op: Op, floating: Graph, source: Op) -> bool:
    """Whether the quantizer left the op computing in int8, operand for operand."""
    if integer.tensors[op.outputs[0]].dtype != "int8" or len(op.outputs) != len(source.outputs):
        return False
    pairs = [(i, j) for i, j in zip(op.inputs, source.inputs, strict=False) if i >= 0 and j >= 0]
    return len(op.inputs) >= len(source.inputs) and all(
        integer.tensors[i].is_constant == floating.tensors[j].is_constant for i, j in pairs
    )


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How a value is represented; float32 has no scale."""

    dtype: str
    scale: float | None = None
    zero_point: int = 0


_FLOAT32 = _Form(dtype="float32")


class _Mover:
    """Lays the operators of one graph anew, in their order."""

    def __init__(
        self,
        integer: Graph,
        floating: Graph,
        domains: Mapping[int, tuple[str, Op]],
        ranges: Mapping[int, tuple[float, float]],
    ):
        self._graph, self._floating, self._domains = integer, floating, domains
        self._model = integer.model
        self._sub = integer.model.subgraphs[0]
        self._ranges = {floating.tensors[index].name: r for index, r in ranges.items()}
        self._forms = {t.index: _form(integer, t.index) for t in integer.tensors}
        # By tensor, what a conversion made it from.
        self._before: dict[int, int] = {}
        self._native: dict[int, _Form] = {}
        self._made: dict[tuple[int, _Form], int] = {}
        self._taken: set[int] = set()
        self._operators: list[Any] = []

    def move(self, *, int16_doors: bool) -> Graph:
        doors = [t for t in self._graph.inputs if self._forms[t].dtype == "int8"]
        for tensor in doors if int16_doors else ():
            self._set(tensor, self._int16(tensor))
        for op in self._graph.ops:
            if self._is_conversion(op):
                self._before[op.outputs[0]] = op.inputs[0]
            else:
                self._lay(op)
        outputs = []
        for tensor in self._graph.outputs:
            form = self._forms[tensor]
            if int16_doors and form.dtype == "int8":
                form = self._wide(tensor)
            outputs.append(self._as(tensor, form))
        self._sub.outputs, self._sub.operators = outputs, self._operators
        drop_unused_tensors(self._model)
        return Graph(self._model)

    def _lay(self, op: Op) -> None:
        domain, source = self._domains.get(op.index, (None, op))
        raw = self._sub.operators[op.index]
        if domain == "int16":
            inputs = self._int16_inputs(op, source)
            if op.kind in ("ADD", "SUB"):
                raw.builtinOptions.potScaleInt16 = False
            for tensor in op.outputs:
                tied = op.outputs[0] if op.kind in SAME_SCALE else tensor
                self._set(tensor, self._int16(tied))
        elif domain == "float32":
            inputs = self._float_inputs(op, source)
            raw.builtinOptions, raw.intermediates = copy.deepcopy(source.options), None
            for tensor in op.outputs:
                self._set(tensor, _FLOAT32)
        else:
            inputs = [t if t < 0 else self._as(t, self._forms[t]) for t in op.inputs]
        raw.inputs = inputs
        self._operators.append(raw)

    def _int16_inputs(self, op: Op, source: Op) -> list[int]:
        tied = self._int16(op.outputs[0]) if op.kind in SAME_SCALE else None
        inputs = []
        for slot, tensor in enumerate(op.inputs):
            if tensor < 0 or self._forms[tensor].scale is None:
                inputs.append(tensor)
            elif not self._graph.tensors[tensor].is_constant:
                inputs.append(self._as(tensor, tied or self._wide(tensor)))
            elif op.kind not in SLOTS:
                twin = source.inputs[slot]
                # Any scale holds zeros; the output's is one that the kernel takes.
                form = tied if self._floating.constant(twin).any() else self._int16(op.outputs[0])
                inputs.append(self._int16_constant(tensor, twin, form))
            elif tensor == bias_of(self._graph, op):
                inputs.append(self._wide_bias(tensor, op, source, inputs[SLOTS[op.kind].data]))
            else:
                inputs.append(tensor)
        return inputs

    def _float_inputs(self, op: Op, source: Op) -> list[int]:
        inputs = []
        for tensor, twin in zip(op.inputs, source.inputs, strict=False):
            if twin < 0:
                inputs.append(-1)
            elif self._floating.tensors[twin].dtype != "float32":
                inputs.append(tensor)
            elif self._floating.tensors[twin].is_constant:
                values = self._floating.constant(twin)
                inputs.append(self._constant(tensor, values, _FLOAT32))
            elif self._floating.tensors[twin].is_variable:
                # A state is not converted: the op alone reads and writes it.
                self._set(tensor, _FLOAT32)
                inputs.append(tensor)
            else:
                inputs.append(self._as(tensor, _FLOAT32))
        return inputs

    def _as(self, tensor: int, form: _Form) -> int:
        """The tensor that holds the value of `tensor` in a form; a conversion is laid if need be.

        The int8 kernels of QUANTIZE do not know uint8 and int16 together.
        """
        root = self._root(tensor)
        native = self._native.get(root, self._forms[root])
        if native == form or form.dtype not in _CONVERTIBLE:
            return root
        if (root, form) not in self._made:
            start = root
            if {native.dtype, form.dtype} == {"uint8", "int16"}:
                start = self._as(tensor, self._narrow(tensor))
            target = self._place(tensor, root, form)
            kind = "DEQUANTIZE" if form.dtype == "float32" else "QUANTIZE"
            self._operators.append(conversion(self._model, kind, start, target))
            self._made[root, form] = target
        return self._made[root, form]

    def _place(self, tensor: int, root: int, form: _Form) -> int:
        """A tensor for a converted value: the one that the graph had for it, if it is free."""
        if tensor == root or tensor in self._taken:
            tensor = self._copy(tensor, suffix=f"_{form.dtype}")
        self._taken.add(tensor)
        self._set(tensor, form)
        return tensor

    def _root(self, tensor: int) -> int:
        while tensor in self._before:
            tensor = self._before[tensor]
        return tensor

    def _chain(self, tensor: int) -> list[int]:
        chain = [tensor]
        while chain[-1] in self._before:
            chain.append(self._before[chain[-1]])
        return chain

    def _narrow(self, tensor: int) -> _Form:
        """The int8 form that the value had in the int8 graph."""
        return next(f for t in self._chain(tensor) if (f := self._forms[t]).dtype == "int8")

    def _wide(self, tensor: int) -> _Form:
        """The value's int16 form: the one it is made in, else that of its range."""
        native = self._native.get(self._root(tensor))
        return native if native and native.dtype == "int16" else self._int16(tensor)

    def _int16(self, tensor: int) -> _Form:
        producer = self._graph.producer.get(self._root(tensor))
        if producer is not None and producer.kind in INT16_UNIT_OUTPUT:
            return _symmetric(UNIT_BOUND)
        names = (self._graph.tensors[t].name for t in self._chain(tensor))
        asked = next((self._ranges[name] for name in names if name in self._ranges), None)
        low, high = asked or _ends(self._narrow(tensor))
        return _symmetric(max(abs(low), abs(high)))

    def _int16_constant(self, tensor: int, twin: int, tied: _Form | None) -> int:
        values = self._floating.constant(twin)
        form = tied or _symmetric(float(np.abs(values).max(initial=0)))
        codes = np.rint(values.astype(np.float64) / (form.scale or 1))
        return self._constant(tensor, np.clip(codes, -32767, 32767).astype(np.int16), form)

    def _wide_bias(self, bias: int, op: Op, source: Op, data: int) -> int:
        """An int64 bias at input scale times weight scale."""
        weights = self._graph.tensors[weights_of(self._graph, op)].quantization
        assert weights is not None, "integer weights have a scale"
        scale = (self._native[data].scale or 1.0) * weights.scale.astype(np.float64)
        scale = scale.astype(np.float32)
        twin = bias_of(self._floating, source)
        size = self._graph.constant(bias).size
        values = np.zeros(size) if twin is None else self._floating.constant(twin).reshape(-1)
        codes = np.rint(values.astype(np.float64) / scale.astype(np.float64))
        tensor = self._constant(bias, codes.astype(np.int64), _Form(dtype="int64", scale=1.0))
        quantization = self._sub.tensors[tensor].quantization
        quantization.scale, quantization.zeroPoint = scale, np.zeros(scale.size, np.int64)
        return tensor

    def _constant(self, like: int, values: np.ndarray, form: _Form) -> int:
        tensor = self._copy(like, suffix="")
        raw = self._sub.tensors[tensor]
        data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._model.buffers.append(schema.BufferT(data=data))
        raw.buffer, raw.shape = len(self._model.buffers) - 1, list(values.shape)
        self._set(tensor, form)
        return tensor

    def _copy(self, tensor: int, *, suffix: str) -> int:
        made = copy.copy(self._sub.tensors[tensor])
        made.name = (made.name or b"") + suffix.encode()
        self._sub.tensors.append(made)
        return len(self._sub.tensors) - 1

    def _set(self, tensor: int, form: _Form) -> None:
        raw = self._sub.tensors[tensor]
        raw.type, raw.quantization = _TYPES[form.dtype], None
        if form.scale is not None:
            raw.quantization = schema.QuantizationParametersT()
            raw.quantization.scale = np.array([form.scale], np.float32)
            raw.quantization.zeroPoint = np.array([form.zero_point], np.int64)
        self._native[tensor] = form

    def _is_conversion(self, op: Op) -> bool:
        if op.kind not in _CONVERSIONS or self._graph.tensors[op.inputs[0]].is_constant:
            return False
        return all(self._forms[t].dtype in _CONVERTIBLE for t in (op.inputs[0], op.outputs[0]))


def _form(graph: Graph, index: int) -> _Form:
    tensor = graph.tensors[index]
    held = tensor.quantization
    if held is None:
        return _Form(dtype=tensor.dtype)
    scale, zero_point = float(held.scale[0]), int(held.zero_point[0])
    return _Form(dtype=tensor.dtype, scale=scale, zero_point=zero_point)


def _symmetric(bound: float) -> _Form:
    wanted = parameters(-bound, bound, bits=16, mode=Mode.SYMMETRIC_RESTRICTED)
    return _Form(dtype="int16", scale=float(np.float32(wanted.scale)))


def _ends(form: _Form) -> tuple[float, float]:
    scale = form.scale or 1.0
    return scale * (-128 - form.zero_point), scale * (127 - form.zero_point)
