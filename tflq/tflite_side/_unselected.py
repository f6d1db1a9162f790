"""Lets no exponential grow where its value is not selected.

SELU is x where x > 0, else a * (exp(x) - 1). Both sides are computed everywhere, and SELECT's sides
share one scale: exp(x) of the largest x would take all the codes of the values that are selected.
"""

import copy
from collections.abc import Iterator

from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._file import operator_code
from tflq.tflite_side._graph import Graph, Op

# The side that SELECT takes where the compared value is the small one: its true, or false side.
_SMALL_SIDE = {"GREATER": 2, "GREATER_EQUAL": 2, "LESS": 1, "LESS_EQUAL": 1}
_ON_THE_WAY = frozenset({"ADD", "LOG", "MUL", "SUB"})


def bound_exponentials(graph: Graph) -> bool:
    """Takes the minimum with what x is compared with first; selected values stay the same.

    Args:
        graph: a float graph, changed in place.

    Returns:
        False if there was none.
    """
    found = {exponential.index: limit for exponential, limit in _unbounded(graph)}
    subgraph, operators = graph.model.subgraphs[0], []
    for index, raw in enumerate(subgraph.operators):
        if index in found:
            bounded = copy.copy(subgraph.tensors[raw.inputs[0]])
            bounded.name = subgraph.tensors[raw.outputs[0]].name + b"/bounded"
            subgraph.tensors.append(bounded)
            minimum = schema.OperatorT()
            minimum.opcodeIndex = operator_code(graph.model, schema.BuiltinOperator.MINIMUM)
            minimum.builtinOptionsType = schema.BuiltinOptions.MaximumMinimumOptions
            minimum.builtinOptions = schema.MaximumMinimumOptionsT()
            minimum.inputs = [raw.inputs[0], found[index]]
            minimum.outputs = raw.inputs = [len(subgraph.tensors) - 1]
            operators.append(minimum)
        operators.append(raw)
    subgraph.operators = operators
    return bool(found)


def _unbounded(graph: Graph) -> Iterator[tuple[Op, int]]:
    """Exponentials of a value x that are selected where x is below a constant; the constant."""
    for op in graph.ops:
        if op.kind not in ("SELECT", "SELECT_V2"):
            continue
        comparison = graph.producer.get(op.inputs[0])
        if comparison is None or comparison.kind not in _SMALL_SIDE:
            continue
        x, limit = comparison.inputs
        if not graph.tensors[limit].is_constant:
            continue
        maker = _exponential(graph, op.inputs[_SMALL_SIDE[comparison.kind]])
        if maker is not None and maker.inputs[0] == x:
            yield maker, limit


def _exponential(graph: Graph, tensor: int) -> Op | None:
    """The exponential that a tensor is made of, where nothing else reads what is between."""
    while True:
        op = graph.producer.get(tensor)
        if op is None or len(graph.consumers[tensor]) > 1 or tensor in graph.outputs:
            return None
        if op.kind == "EXP":
            return op
        computed = [t for t in op.inputs if not graph.tensors[t].is_constant]
        if op.kind not in _ON_THE_WAY or len(computed) != 1:
            return None
        (tensor,) = computed
