import copy

import builders
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tflq.tflite_side import Graph, Runner
from tflq.tflite_side._file import conversion, pack, parse
from tflq.tflite_side._islands import close_islands

SHAPE = (1, 4, 4, 4)
DATA = [{"x0": builders.weights(*SHAPE, seed=s)} for s in range(3)]


def _quantized():
    content = builders.tflite(
        lambda x: (
            tf.split(tf.nn.conv2d(x, builders.weights(1, 1, 4, 6), 1, "SAME"), 2, -1)[1]
            * builders.weights(3)
        ),
        SHAPE,
    )
    return builders.quantize_file(content, DATA)[0].content


def _with_island(content, *, other_scale=False):
    """Puts the SPLIT between a DEQUANTIZE and a QUANTIZE, as the quantizer sometimes does."""
    model = parse(content, name="it")
    graph, subgraph = Graph(model), model.subgraphs[0]
    split = next(op for op in graph.ops if op.kind == "SPLIT")
    reader = graph.consumers[split.outputs[1]][0]

    def twin(tensor, dtype):
        made = copy.copy(subgraph.tensors[tensor])
        made.name, made.type = made.name + b"_twin", dtype
        made.quantization = (
            copy.deepcopy(made.quantization) if dtype == schema.TensorType.INT8 else None
        )
        subgraph.tensors.append(made)
        return len(subgraph.tensors) - 1

    codes = twin(split.outputs[1], schema.TensorType.INT8)
    if other_scale:
        subgraph.tensors[codes].quantization.scale = subgraph.tensors[
            codes
        ].quantization.scale * np.float32(2)
    floats = twin(split.inputs[1], schema.TensorType.FLOAT32)
    for output in split.outputs:
        subgraph.tensors[output].type = schema.TensorType.FLOAT32
        subgraph.tensors[output].quantization = None
    raw = subgraph.operators
    raw[reader.index].inputs = [
        codes if t == split.outputs[1] else t for t in raw[reader.index].inputs
    ]
    raw.insert(reader.index, conversion(model, "QUANTIZE", split.outputs[1], codes))
    raw[split.index].inputs = [split.inputs[0], floats]
    raw.insert(split.index, conversion(model, "DEQUANTIZE", split.inputs[1], floats))
    return pack(model)


def test_an_island_of_one_scale_is_closed_and_computes_the_same():
    content = _quantized()
    island = _with_island(content)
    assert "DEQUANTIZE" in {op.kind for op in Graph.from_bytes(island).ops}
    model = parse(island, name="it")
    close_islands(model)
    kinds = [op.kind for op in Graph(model).ops]
    assert kinds == [op.kind for op in Graph.from_bytes(content).ops]
    for sample in DATA:
        np.testing.assert_array_equal(
            Runner(pack(model)).run(sample)[0], Runner(content).run(sample)[0]
        )


def test_a_requantization_stays():
    island = _with_island(_quantized(), other_scale=True)
    model = parse(island, name="it")
    close_islands(model)
    assert "DEQUANTIZE" in {op.kind for op in Graph(model).ops}


def test_a_graph_without_islands_stays_as_it_is():
    model = parse(_quantized(), name="it")
    before = pack(model)
    close_islands(model)
    assert pack(model) == before
