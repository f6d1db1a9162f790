"""Takes fused activations out of weighted ops, so that what comes before them can be seen."""

import copy
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._file import operator_code, pack, parse
from tflq.tflite_side._graph import Graph
from tflq.tflite_side._weights import SLOTS

_OPS = {
    schema.ActivationFunctionType.RELU: schema.BuiltinOperator.RELU,
    schema.ActivationFunctionType.RELU6: schema.BuiltinOperator.RELU6,
    schema.ActivationFunctionType.RELU_N1_TO_1: schema.BuiltinOperator.RELU_N1_TO_1,
}


def unfuse(content: bytes) -> tuple[bytes, dict[int, int]]:
    """Gives every weighted op a linear output.

    Args:
        content: a float .tflite.

    Returns:
        The file, in which tensors keep their indices, and by index of a weighted op's output
        that of the tensor which holds it before the activation.
    """
    model = parse(content, name="the float file")
    sub = model.subgraphs[0]
    before: dict[int, int] = {}
    operators: list[Any] = []
    for op, raw in zip(Graph(model).ops, list(sub.operators), strict=True):
        operators.append(raw)
        if op.kind not in SLOTS:
            continue
        output = op.outputs[0]
        before[output] = output
        fused = op.options.fusedActivationFunction
        if fused not in _OPS:
            continue
        linear = copy.copy(sub.tensors[output])
        linear.name = b"linear_%d" % output
        sub.tensors.append(linear)
        before[output] = len(sub.tensors) - 1
        raw.outputs = [before[output]]
        raw.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE
        activation = schema.OperatorT()
        activation.opcodeIndex = operator_code(model, _OPS[fused])
        activation.inputs, activation.outputs = [before[output]], [output]
        operators.append(activation)
    sub.operators = operators
    return pack(model), before
