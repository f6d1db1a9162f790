"""One op of a float graph as a .tflite of its own, with quantized or float doors.

This is how the network is simulated op by op: between DEQUANTIZE and QUANTIZE the op runs in
float32 on values that its quantized inputs stand for.
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflq.affine import Affine
from tflq.tflite_side._file import operator_code, pack
from tflq.tflite_side._graph import Graph, Op

_CODE_TYPES = {8: schema.TensorType.INT8, 16: schema.TensorType.INT16}


def single_op(
    graph: Graph,
    op: Op,
    *,
    doors: Mapping[int, Affine],
    constants: Mapping[int, np.ndarray],
    linear: bool = False,
) -> bytes:
    """Writes the op as a model of its own.

    Its inputs are the op's computed inputs without repetition, its outputs those of the op.

    Args:
        graph: the float graph.
        op: one of its ops.
        doors: how inputs and outputs are quantized, by tensor index; others stay float.
        constants: values that replace stored ones, by tensor index.
        linear: leave out the fused activation.
    """
    return _SingleOp(graph, op, doors, constants, linear=linear).content()


def computed_inputs(graph: Graph, op: Op) -> tuple[int, ...]:
    """The op's inputs that are not stored in the file, without repetition."""
    given = (i for i in dict.fromkeys(op.inputs) if i >= 0)
    return tuple(i for i in given if not _kept(graph, i))


def _kept(graph: Graph, index: int) -> bool:
    return graph.tensors[index].is_constant or graph.tensors[index].is_variable


class _SingleOp:
    def __init__(
        self,
        graph: Graph,
        op: Op,
        doors: Mapping[int, Affine],
        constants: Mapping[int, np.ndarray],
        *,
        linear: bool,
    ):
        self._graph, self._op, self._doors, self._constants = graph, op, doors, constants
        self._linear = linear
        whole = graph.model
        self._model = schema.ModelT()
        self._model.version = whole.version
        self._model.operatorCodes = list(whole.operatorCodes)
        # Bodies of loops and branches are found by their number.
        self._model.subgraphs = [schema.SubGraphT(), *whole.subgraphs[1:]]
        self._model.buffers = list(whole.buffers) if whole.subgraphs[1:] else [schema.BufferT()]
        self._sub = self._model.subgraphs[0]
        self._sub.tensors, self._sub.operators = [], []

    def content(self) -> bytes:
        raw = copy.copy(self._graph.model.subgraphs[0].operators[self._op.index])
        places = {i: self._copy(i) for i in dict.fromkeys(self._op.inputs) if i >= 0}
        inputs = computed_inputs(self._graph, self._op)
        self._sub.inputs = [self._dequantized(i, places[i]) for i in inputs]
        raw.inputs = [places.get(i, -1) for i in self._op.inputs]
        results = [self._copy(i) for i in self._op.outputs]
        raw.outputs = results
        if self._linear:
            raw.builtinOptions = copy.copy(raw.builtinOptions)
            raw.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE
        self._sub.operators.append(raw)
        self._sub.outputs = [
            self._quantized(i, place) for i, place in zip(self._op.outputs, results, strict=True)
        ]
        return pack(self._model)

    def _copy(self, index: int) -> int:
        raw = copy.copy(self._graph.model.subgraphs[0].tensors[index])
        raw.quantization = None
        raw.buffer = 0
        if self._graph.tensors[index].is_constant:
            buffer = copy.copy(
                self._graph.model.buffers[self._graph.model.subgraphs[0].tensors[index].buffer]
            )
            if index in self._constants:
                value = np.ascontiguousarray(self._constants[index])
                buffer.data = np.frombuffer(value.tobytes(), np.uint8)
            self._model.buffers.append(buffer)
            raw.buffer = len(self._model.buffers) - 1
        self._sub.tensors.append(raw)
        return len(self._sub.tensors) - 1

    def _dequantized(self, index: int, place: int) -> int:
        """The input that holds the codes of what lies at `place`."""
        codes = self._codes(index, place)
        if codes != place:
            self._convert(schema.BuiltinOperator.DEQUANTIZE, codes, place)
        return codes

    def _quantized(self, index: int, place: int) -> int:
        codes = self._codes(index, place)
        if codes != place:
            self._convert(schema.BuiltinOperator.QUANTIZE, place, codes)
        return codes

    def _codes(self, index: int, place: int) -> int:
        affine = self._doors.get(index)
        if affine is None:
            return place
        raw = copy.copy(self._sub.tensors[place])
        raw.name = b"codes_%d" % index
        raw.type = _CODE_TYPES[affine.bits]
        raw.quantization = schema.QuantizationParametersT()
        raw.quantization.scale = [np.float32(affine.scale)]
        raw.quantization.zeroPoint = [int(affine.zero_point)]
        self._sub.tensors.append(raw)
        return len(self._sub.tensors) - 1

    def _convert(self, builtin: int, source: int, target: int) -> None:
        operator: Any = schema.OperatorT()
        operator.opcodeIndex = operator_code(self._model, builtin)
        operator.inputs, operator.outputs = [source], [target]
        self._sub.operators.append(operator)
