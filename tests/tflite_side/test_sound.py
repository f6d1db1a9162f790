import copy

import builders
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tflq import UserError
from tflq.tflite_side import Graph, pack
from tflq.tflite_side._file import parse
from tflq.tflite_side._sound import check_sound


@pytest.fixture(scope="module")
def content():
    kernel = builders.weights(3, 3, 3, 4)

    def network(x):
        wide = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
        return tf.nn.softmax(tf.reduce_mean(tf.nn.max_pool2d(wide, 2, 2, "VALID"), (1, 2)))

    return builders.tflite(network, (1, 8, 8, 3))


@pytest.fixture(scope="module")
def looping():
    def loop(x):
        body = lambda y: (y * 2.0 + 1.0,)  # noqa: E731
        return tf.while_loop(lambda y: tf.reduce_sum(y) < 100.0, body, (x,))[0]

    return builders.tflite(loop, (1, 4))


def _op(model, kind):
    number = getattr(schema.BuiltinOperator, kind)
    codes = [code.builtinCode for code in model.operatorCodes]
    return next(o for o in model.subgraphs[0].operators if codes[o.opcodeIndex] == number)


def _shuffle(model):
    model.subgraphs[0].operators.reverse()


def _read_later(model):
    operator = _op(model, "CONV_2D")
    operator.inputs = [model.subgraphs[0].outputs[0], *operator.inputs[1:]]


def _make_twice(model):
    first, second = model.subgraphs[0].operators[:2]
    second.outputs = first.outputs


def _write_constant(model):
    operator = _op(model, "CONV_2D")
    operator.outputs = [operator.inputs[1]]


def _write_input(model):
    _op(model, "CONV_2D").outputs = list(model.subgraphs[0].inputs)


def _nothing_makes_the_output(model):
    model.subgraphs[0].operators = model.subgraphs[0].operators[:-1]


def _wrong_options(model):
    operator = _op(model, "CONV_2D")
    operator.builtinOptions = schema.Pool2DOptionsT()
    operator.builtinOptionsType = schema.BuiltinOptions.Pool2DOptions


def _no_options(model):
    operator = _op(model, "SOFTMAX")
    operator.builtinOptions, operator.builtinOptionsType = None, 0


def _scales(model, scale, points, axis=0):
    tensor = model.subgraphs[0].tensors[_op(model, "CONV_2D").inputs[1]]
    tensor.quantization = schema.QuantizationParametersT(
        scale=np.float32(scale), zeroPoint=np.int64(points), quantizedDimension=axis
    )


def _change_tensor(**fields):
    def change(model):
        for field, value in fields.items():
            setattr(model.subgraphs[0].tensors[0], field, value)

    return change


def _signature(**fields):
    def change(model):
        doors = [schema.TensorMapT(name=b"x", tensorIndex=0)]
        whole = {"signatureKey": b"serve", "subgraphIndex": 0, "inputs": doors, "outputs": doors}
        model.signatureDefs = [schema.SignatureDefT(**{**whole, **fields})]

    return change


def _metadata(buffer, name=b"notes"):
    def change(model):
        model.metadata = [schema.MetadataT(name=name, buffer=buffer)]

    return change


def _no_outputs(model):
    model.subgraphs[0].outputs = []


_DAMAGES = {
    "no outputs": (_no_outputs, "it has no outputs"),
    "ops in the wrong order": (_shuffle, "which no op before it makes"),
    "an op reads what a later one makes": (_read_later, "which no op before it makes"),
    "two ops make one tensor": (_make_twice, "a second time"),
    "an op writes a constant": (_write_constant, "a second time"),
    "an op writes an input": (_write_input, "a second time"),
    "an output is never made": (_nothing_makes_the_output, "is made by no op"),
    "options of another op": (_wrong_options, "needs Conv2DOptions, Pool2DOptions came"),
    "no options": (_no_options, "needs SoftmaxOptions, none came"),
    "two scales for four channels": (lambda m: _scales(m, [1, 1], [0, 0]), "has 2 scales"),
    "an axis beyond the shape": (lambda m: _scales(m, [1, 1, 1, 1], [0], axis=7), "along axis 7"),
    "three zero points": (lambda m: _scales(m, [1, 1, 1, 1], [0, 0, 0]), "3 zero points"),
    "a scale of NaN": (lambda m: _scales(m, [np.nan], [0]), "not finite"),
    "a negative scale": (lambda m: _scales(m, [-1.0], [0]), "negative"),
    "a negative size": (_change_tensor(shape=[1, -8, 8, 3]), "has shape"),
    "sizes whose product is beyond": (_change_tensor(shape=[65536] * 4), "has shape"),
    "too many dimensions": (_change_tensor(shape=[1] * 40), "has shape"),
    "a signature of another rank": (_change_tensor(shapeSignature=[-1]), "and signature [-1]"),
    "a signature of another shape": (
        _change_tensor(shapeSignature=[-1, 9, 8, 3]),
        "and signature [-1, 9, 8, 3]",
    ),
    "a type that is unknown": (_change_tensor(type=99), "type 99"),
    "a buffer that is not there": (_change_tensor(buffer=500), "buffer 500 of"),
    "a name that is no text": (_change_tensor(name=b"in\xff"), "is not UTF-8"),
    "a signature of a missing subgraph": (_signature(subgraphIndex=5), "subgraph 5 of 1"),
    "a signature of a missing tensor": (
        _signature(inputs=[schema.TensorMapT(name=b"x", tensorIndex=99)]),
        "tensor 99 of",
    ),
    "a signature's key that is no text": (_signature(signatureKey=b"\xc3\x28"), "is not UTF-8"),
    "a signature's input that is no text": (
        _signature(inputs=[schema.TensorMapT(name=b"\xff", tensorIndex=0)]),
        "is not UTF-8",
    ),
    "a signature without a key": (_signature(signatureKey=None), "a signature has no name"),
    "a signature's input without a name": (
        _signature(inputs=[schema.TensorMapT(name=None, tensorIndex=0)]),
        "of a signature has no name",
    ),
    "metadata in a missing buffer": (_metadata(2**31), "buffer 2147483648 of"),
    "metadata whose name is no text": (_metadata(0, b"\xff"), "is not UTF-8"),
}


@pytest.mark.parametrize("damage", _DAMAGES)
def test_damage_is_told(content, damage):
    change, message = _DAMAGES[damage]
    model = parse(content, name="the model")
    change(model)
    with pytest.raises(UserError) as raised:
        parse(pack(model), name="the model")
    assert message in str(raised.value)
    assert str(raised.value).startswith("the model is damaged (")


@pytest.mark.parametrize("kind", ["UINT4", "INT2", "FLOAT64", "COMPLEX128", "UINT16"])
def test_constants_of_any_type_have_their_size(content, kind):
    model = parse(content, name="the model")
    weights = model.subgraphs[0].tensors[_op(model, "CONV_2D").inputs[1]]
    weights.type = getattr(schema.TensorType, kind)
    with pytest.raises(UserError, match=r"needs 108 values, 432 bytes came"):
        parse(pack(model), name="the model")


def test_packed_values_are_not_read(content):
    model = parse(content, name="the model")
    index = _op(model, "CONV_2D").inputs[1]
    weights = model.subgraphs[0].tensors[index]
    weights.type = schema.TensorType.UINT4
    model.buffers[weights.buffer].data = np.zeros(54, np.uint8)
    with pytest.raises(UserError, match="holds uint4 values, which are not read"):
        Graph(parse(pack(model), name="the model")).constant(index)


def test_weights_in_other_files_are_not_read(content):
    model = parse(content, name="the model")
    model.externalBufferGroups = [schema.ExternalBufferGroupT(name="/etc/passwd")]
    with pytest.raises(ValueError, match="weights in other files"):
        check_sound(model)


def _body(model):
    operators = (o for graph in model.subgraphs for o in graph.operators)
    return next(
        o.builtinOptions for o in operators if hasattr(o.builtinOptions, "bodySubgraphIndex")
    )


@pytest.mark.parametrize(("number", "message"), [(7, "subgraph 7 of 3"), (0, "runs itself")])
def test_loops_run_other_subgraphs_that_are_there(looping, number, message):
    model = parse(looping, name="the model")
    _body(model).bodySubgraphIndex = number
    with pytest.raises(UserError, match=message):
        parse(pack(model), name="the model")


def test_a_loop_that_runs_itself_by_way_of_another_is_refused(looping):
    model = parse(looping, name="the model")
    inner = copy.deepcopy(model.subgraphs[0].operators[-1])
    body = _body(model).bodySubgraphIndex
    inner.builtinOptions.bodySubgraphIndex = body
    target = model.subgraphs[body]
    inner.inputs, inner.outputs = target.outputs, [len(target.tensors)]
    target.tensors.append(copy.deepcopy(target.tensors[target.outputs[0]]))
    target.operators.append(inner)
    with pytest.raises(ValueError, match="runs itself"):
        check_sound(model)


def test_what_only_recurrent_ops_have_is_taken_from_others(content):
    model = parse(content, name="the model")
    _op(model, "CONV_2D").intermediates = [0]
    read = parse(pack(model), name="the model")
    assert all(o.intermediates is None for o in read.subgraphs[0].operators)


def test_states_and_empty_constants_need_no_op_that_makes_them(content):
    model = parse(content, name="the model")
    graph = model.subgraphs[0]
    for extra in ({"isVariable": True, "shape": [1, 4]}, {"isVariable": False, "shape": [0]}):
        graph.tensors.append(schema.TensorT(name=b"extra", buffer=0, **extra))
        operator = _op(model, "SOFTMAX")
        operator.inputs = [*operator.inputs, len(graph.tensors) - 1]
    parse(pack(model), name="the model")


def test_a_file_that_unfolds_without_end_is_refused_at_once():
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    schema.TensorStart(builder)
    tensor = schema.TensorEnd(builder)
    many = 20_000

    def repeated(start, table):
        start(builder, many)
        for _ in range(many):
            builder.PrependUOffsetTRelative(table)
        return builder.EndVector()

    tensors = repeated(schema.SubGraphStartTensorsVector, tensor)
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    subgraph = schema.SubGraphEnd(builder)
    subgraphs = repeated(schema.ModelStartSubgraphsVector, subgraph)
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, subgraphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    with pytest.raises(UserError, match="more tables than it can hold"):
        parse(bytes(builder.Output()), name="the model")


def test_a_damaged_offset_is_told_in_plain_words(content):
    for cut in (9, 40, len(content) // 2):
        with pytest.raises(UserError, match="is damaged"):
            parse(content[:cut], name="the model")


def test_what_other_programs_make_is_sound(content, looping):
    for sound in (content, looping):
        assert Graph.from_bytes(sound).ops
