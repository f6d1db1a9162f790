"""Makes an activation that stands alone part of the op before it.

TensorFlow's converter does so, other converters need not. Its quantizer does it while it writes
int8, where ops must still be found by what they make.
"""

from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side._graph import Graph, Op

_ACTIVATIONS = {
    "RELU": schema.ActivationFunctionType.RELU,
    "RELU6": schema.ActivationFunctionType.RELU6,
    "RELU_N1_TO_1": schema.ActivationFunctionType.RELU_N1_TO_1,
}
_CLAMPING = frozenset(
    {
        "ADD",
        "AVERAGE_POOL_2D",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DIV",
        "FULLY_CONNECTED",
        "MAX_POOL_2D",
        "MUL",
        "SUB",
    }
)


def fuse_activations(graph: Graph) -> bool:
    """Fuses what can be, in place; float results stay the same. False if nothing could."""
    subgraph = graph.model.subgraphs[0]
    fused = set()
    for op in graph.ops:
        maker = _maker(graph, op)
        if maker is not None:
            raw = subgraph.operators[maker.index]
            raw.builtinOptions.fusedActivationFunction = _ACTIVATIONS[op.kind]
            raw.outputs = list(op.outputs)
            fused.add(op.index)
    subgraph.operators = [raw for i, raw in enumerate(subgraph.operators) if i not in fused]
    return bool(fused)


def _maker(graph: Graph, op: Op) -> Op | None:
    """The op that an activation can be made part of."""
    if op.kind not in _ACTIVATIONS:
        return None
    source = op.inputs[0]
    maker = graph.producer.get(source)
    if maker is None or maker.kind not in _CLAMPING or maker.options is None:
        return None
    linear = maker.options.fusedActivationFunction == schema.ActivationFunctionType.NONE
    alone = graph.consumers[source] == (op,) and source not in graph.outputs
    return maker if linear and alone and graph.tensors[source].dtype == "float32" else None
