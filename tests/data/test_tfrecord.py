import io
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tflq import UserError
from tflq.data import ImageOptions, InputSpec, from_path, samples
from tflq.data._framing import masked_crc

X = InputSpec("x", (None, 2, 3), np.float32)
IDS = InputSpec("ids", (None, None), np.int32)
IMAGE = InputSpec("photo", (None, 4, 6, 3), np.float32)
VALUES = np.arange(6, dtype=np.float32)


def _feature(value):
    if isinstance(value, (bytes, list)):
        values = value if isinstance(value, list) else [value]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if value.dtype.kind == "f":
        return tf.train.Feature(float_list=tf.train.FloatList(value=value.ravel()))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value.ravel()))


def _write(path, *records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            if isinstance(record, dict):
                features = {name: _feature(value) for name, value in record.items()}
                example = tf.train.Example(features=tf.train.Features(feature=features))
                record = example.SerializeToString()
            writer.write(record)
    return str(path)


def _picture(level):
    stream = io.BytesIO()
    Image.new("RGB", (6, 4), (level,) * 3).save(stream, "PNG")
    return stream.getvalue()


def _read(spec, *inputs, **options):
    return list(samples(from_path(spec, inputs, images=ImageOptions(**options)), inputs))


def test_floats_take_the_shape_of_the_input(tmp_path):
    spec = _write(tmp_path / "a.tfrecord", {"x": VALUES, "y": np.array([1])}, {"x": VALUES + 1})
    first, second = _read(spec, X)
    np.testing.assert_array_equal(first["x"], VALUES.reshape(1, 2, 3))
    np.testing.assert_array_equal(second["x"], VALUES.reshape(1, 2, 3) + 1)


def test_one_open_size_follows_the_values(tmp_path):
    spec = _write(tmp_path / "a.tfrecord", {"ids": np.arange(3)}, {"ids": np.arange(5)})
    assert [s["ids"].shape for s in _read(spec, IDS)] == [(1, 3), (1, 5)]
    assert _read(spec, IDS)[0]["ids"].dtype == np.int32


def test_several_inputs_are_found_by_name(tmp_path):
    record = {"x": VALUES, "ids": np.arange(4), "photo": _picture(9), "label": np.array([1])}
    (sample,) = _read(_write(tmp_path / "a.tfrecord", record), IMAGE, IDS, X)
    assert list(sample) == ["photo", "ids", "x"] and (sample["photo"] == 9).all()


@pytest.mark.parametrize("name", ["photo", "image/encoded", "image", "image_raw"])
def test_pictures_are_decoded(tmp_path, name):
    spec = _write(tmp_path / "a.tfrecord", {name: _picture(51)}, {name: _picture(0)})
    first, second = _read(spec, IMAGE, preset="unit")
    np.testing.assert_allclose(first["photo"], 0.2)
    assert second["photo"].shape == (1, 4, 6, 3)


def test_it_can_be_read_again_and_is_streamed(tmp_path):
    spec = _write(tmp_path / "a.tfrecord", {"x": VALUES}, {"x": VALUES}, {"x": VALUES[:2]})
    found = samples(from_path(spec, [X], images=ImageOptions()), [X])
    assert found.total is None
    for _ in range(2):
        stream = iter(found)
        next(stream), next(stream)
        with pytest.raises(UserError, match="record 2"):
            next(stream)


def test_several_files_come_in_order(tmp_path):
    for shard in (1, 0):
        _write(tmp_path / f"a.tfrecord-0000{shard}-of-00002", {"x": VALUES + shard})
    assert [s["x"][0, 0, 0] for s in _read(str(tmp_path / "*.tfrecord-*"), X)] == [0, 1]


def test_a_missing_feature_lists_what_there_is(tmp_path):
    spec = _write(tmp_path / "a.tfrecord", {"y": VALUES, "z": VALUES})
    with pytest.raises(UserError, match=r"record 0 of .* has no feature 'x' or 'image/encoded'"):
        _read(spec, X)
    with pytest.raises(UserError, match=r"has no feature 'x' \(it has: 'y', 'z'\)"):
        _read(spec, X, IDS)


@pytest.mark.parametrize(
    "shape, count", [((2, 3), 5), ((None, 3), 5), ((None, None), 6), ((0, None), 0)]
)
def test_values_that_do_not_fill_the_shape(tmp_path, shape, count):
    spec = _write(tmp_path / "a.tfrecord", {"x": np.zeros(count, np.float32)})
    with pytest.raises(UserError, match=rf"feature 'x' of record 0 .* holds {count} values"):
        _read(spec, InputSpec("x", (None, *shape), np.float32))


def test_what_is_no_encoded_picture(tmp_path):
    cases = {
        "cannot be read as a picture": {"photo": b"raw bytes"},
        "is float_list; give the bytes": {"image": VALUES},
        "holds 2 pictures": {"photo": [_picture(0), _picture(1)]},
    }
    for message, record in cases.items():
        with pytest.raises(UserError, match=f"feature '(photo|image)' of record 0 .*{message}"):
            _read(_write(tmp_path / "a.tfrecord", record), IMAGE)


def test_an_empty_feature(tmp_path):
    example = tf.train.Example()
    example.features.feature["x"].SetInParent()
    spec = _write(tmp_path / "a.tfrecord", example.SerializeToString())
    with pytest.raises(UserError, match=r"feature 'x' of record 0 .*is empty"):
        _read(spec, X)


def test_pictures_for_an_input_that_takes_none(tmp_path):
    with pytest.raises(UserError, match="takes no pictures"):
        _read(_write(tmp_path / "a.tfrecord", {"x": _picture(0)}), X)


def test_records_that_are_no_examples(tmp_path):
    with pytest.raises(UserError, match=r"record 0 of .* is no tf\.train\.Example"):
        _read(_write(tmp_path / "a.tfrecord", b"\xff\xff\xff"), X)


def test_no_records(tmp_path):
    with pytest.raises(UserError, match="no sample"):
        _read(_write(tmp_path / "a.tfrecord"), X)


def test_a_truncated_file_is_named(tmp_path):
    path = tmp_path / "a.tfrecord"
    _write(path, {"x": VALUES}, {"x": VALUES})
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=r"a\.tfrecord' is not a readable TFRecord file"):
        _read(str(path), X)


def test_what_is_cut_off_or_damaged_is_told_with_its_place(tmp_path):
    path = tmp_path / "a.tfrecord"
    _write(path, {"x": VALUES}, {"x": VALUES})
    whole = path.read_bytes()
    second = len(whole) // 2
    for content, message in (
        (whole[: second + 5], f"record 1 at byte {second} is cut off"),
        (whole[:-1], f"record 1 at byte {second} is cut off"),
        (whole[:second] + b"\x01" + whole[second + 1 :], f"record 1 at byte {second} is none"),
        (whole[:-9] + b"\xff" + whole[-8:], "not a readable TFRecord file"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=message):
            _read(str(path), X)


@pytest.mark.parametrize("power", [29, 40, 63])
def test_a_length_that_no_memory_holds_is_refused(tmp_path, power):
    length = struct.pack("<Q", 2**power + 1)
    path = tmp_path / "len.tfrecord"
    path.write_bytes(length + struct.pack("<I", masked_crc(length)) + b"x" * 20)
    with pytest.raises(UserError, match=rf"record 0 at byte 0 .* claims {2**power + 1} bytes"):
        _read(str(path), X)


@pytest.mark.parametrize("kind", ["GZIP", "ZLIB"])
def test_compressed_files_are_called_so(tmp_path, kind):
    path = str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(path, kind) as writer:
        writer.write(b"abc")
    with pytest.raises(UserError, match=f"is compressed by {kind.lower()}.*without compression"):
        _read(path, X)


def test_a_pipe_among_the_files_does_not_hang(tmp_path):
    _write(tmp_path / "a.tfrecord", {"x": VALUES})
    os.mkfifo(tmp_path / "b.tfrecord")
    with pytest.raises(UserError, match=r"b\.tfrecord' is not .* no regular file"):
        _read(str(tmp_path / "*.tfrecord"), X)


def test_many_features_are_not_all_listed(tmp_path):
    record = {f"y{index:03}": VALUES for index in range(100)}
    with pytest.raises(UserError, match=r"'y019', …\)"):
        _read(_write(tmp_path / "a.tfrecord", record), X)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_damaged_files_are_refused_or_read(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.tfrecord"
    content = bytearray(Path(_write(path, {"x": VALUES}, {"x": VALUES})).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(UserError):
        assert all(sample["x"].shape == (1, 2, 3) for sample in _read(str(path), X))


@given(st.binary(min_size=1, max_size=200))
@settings(max_examples=25, deadline=None)
def test_random_bytes_are_no_records(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "random.tfrecord"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"random\.tfrecord' is not"):
        _read(str(path), X)


@given(st.binary(max_size=60))
@settings(max_examples=25, deadline=None)
def test_random_records_are_no_examples(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "record.tfrecord"
    with pytest.raises(UserError, match=r"record 0"):
        _read(_write(path, content), X)
