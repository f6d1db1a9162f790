import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq import UserError
from tflq.tflite_side._file import pack, parse, read_bytes, share_buffers


@pytest.fixture(scope="module")
def content(float_file):
    return float_file.read_bytes()


def test_a_packed_model_parses_to_the_same(content):
    again = parse(pack(parse(content, name="it")), name="it")
    first = parse(content, name="it")
    assert [t.name for t in again.subgraphs[0].tensors] == [
        t.name for t in first.subgraphs[0].tensors
    ]
    for a, b in zip(again.buffers, first.buffers, strict=True):
        assert (a.data is None) == (b.data is None)
        assert a.data is None or np.array_equal(a.data, b.data)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.tflite.*does not exist"):
        read_bytes(tmp_path / "none.tflite")


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "picture.tflite"
    path.write_bytes(b"\x89PNG" + bytes(100))
    with pytest.raises(UserError, match=r"is not a \.tflite"):
        read_bytes(path)


def _parses_or_says_why(damaged):
    try:
        parse(damaged, name="the file")
    except UserError as error:
        assert "the file" in str(error)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_truncation_is_refused_without_a_crash(content, data):
    _parses_or_says_why(content[: data.draw(st.integers(8, len(content) - 1))])


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_flipped_bytes_are_read_or_refused(content, data):
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    _parses_or_says_why(bytes(damaged))


@settings(max_examples=100, deadline=None)
@given(tail=st.binary(max_size=300))
def test_random_bytes_behind_the_identifier_are_refused(tail):
    with pytest.raises(UserError, match="damaged"):
        parse(b"\x1c\x00\x00\x00TFL3" + tail, name="the file")


def test_an_index_outside_of_the_file_is_refused(content):
    model = parse(content, name="it")
    model.subgraphs[0].operators[0].inputs = [10_000]
    with pytest.raises(UserError, match="tensor 10000 of"):
        parse(pack(model), name="it")


def test_a_constant_of_the_wrong_size_is_refused(content):
    model = parse(content, name="it")
    tensor = next(t for t in model.subgraphs[0].tensors if model.buffers[t.buffer].data is not None)
    model.buffers[tensor.buffer].data = model.buffers[tensor.buffer].data[:-1]
    with pytest.raises(UserError, match=r"needs .* values"):
        parse(pack(model), name="it")


def test_buffers_behind_the_flatbuffer_are_brought_inside(content):
    model = parse(content, name="it")
    index = next(i for i, b in enumerate(model.buffers) if b.data is not None and len(b.data) > 8)
    data = bytes(model.buffers[index].data)
    model.buffers[index].data = None
    model.buffers[index].offset, model.buffers[index].size = 2, len(data)
    size = len(pack(model))
    model.buffers[index].offset = size
    packed = pack(model)
    assert len(packed) == size
    assert bytes(parse(packed + data, name="it").buffers[index].data) == data
    with pytest.raises(UserError, match="behind the file"):
        parse(packed + data[:-1], name="it")


def test_equal_constants_share_a_buffer(content):
    model = parse(content, name="it")
    graph = model.subgraphs[0]
    tensor = next(t for t in graph.tensors if model.buffers[t.buffer].data is not None)
    import copy

    model.buffers.append(copy.deepcopy(model.buffers[tensor.buffer]))
    twin = copy.copy(tensor)
    twin.buffer = len(model.buffers) - 1
    graph.tensors.append(twin)
    before = len(pack(model))
    share_buffers(model)
    assert twin.buffer == tensor.buffer
    assert len(pack(model)) < before


def test_op_codes_of_old_files_are_read_into_both_fields(content):
    model = parse(content, name="it")
    wanted = [code.builtinCode for code in model.operatorCodes]
    for code in model.operatorCodes:
        code.builtinCode = 0
    again = parse(pack(model), name="it")
    assert [code.builtinCode for code in again.operatorCodes] == wanted
    assert [code.deprecatedBuiltinCode for code in again.operatorCodes] == wanted


def test_what_nothing_holds_is_dropped_and_the_rest_is_held_as_before(content):
    model = parse(content, name="it")
    tensors, texts = model.subgraphs[0].tensors, [bytes(b"dead" * 5), bytes(b"kept" * 5)]
    values = [model.buffers[t.buffer].data for t in tensors]
    for text in texts:
        data = np.frombuffer(text, np.uint8)
        model.buffers.insert(1, type(model.buffers[0])())
        model.buffers[1].data = data
    for tensor in tensors:
        tensor.buffer += 2 if tensor.buffer else 0
    for entry in model.metadata:
        entry.buffer += 2
    # As metadata was held before it had names.
    model.metadataBuffer = [1]
    share_buffers(model)
    again = parse(pack(model), name="it")
    assert not any(b.data is not None and bytes(b.data) == texts[0] for b in again.buffers)
    assert bytes(again.buffers[again.metadataBuffer[0]].data) == texts[1]
    for tensor, value in zip(again.subgraphs[0].tensors, values, strict=True):
        found = again.buffers[tensor.buffer].data
        assert (found is None) == (value is None) or len(value) == 0
        assert found is None or np.array_equal(found, value)
