import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq import UserError
from tflq._labels import read_labels


def test_files_of_labels(tmp_path):
    np.save(tmp_path / "l.npy", np.array([3, 1], np.uint8))
    (tmp_path / "l.txt").write_text("3\n1\n")
    for name in ("l.npy", "l.txt"):
        assert read_labels(tmp_path / name).tolist() == [3, 1]


@pytest.mark.parametrize(
    "content", ["1\n" + "9" * 30, "9" * 5000, "1.5", "\x1b[2J", "1\x00", "0x10"]
)
def test_texts_that_hold_no_classes(content, tmp_path):
    path = tmp_path / "l.txt"
    path.write_text(content)
    with pytest.raises(UserError, match=r"labels file .* cannot be read") as caught:
        read_labels(str(path))
    assert str(caught.value).isprintable()


def test_a_claim_that_no_memory_holds(tmp_path):
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1099511627776,), }\n"
    path = tmp_path / "l.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    with pytest.raises(UserError, match="cannot be read"):
        read_labels(path)


def test_what_is_no_regular_file_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "l.txt")
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    for name in ("l.txt", "zero.txt"):
        with pytest.raises(UserError, match="no regular file"):
            read_labels(tmp_path / name)


def test_too_large_files(tmp_path, monkeypatch):
    monkeypatch.setattr("tflq._labels.LABEL_BYTES", 10)
    (tmp_path / "l.txt").write_text("1\n" * 6)
    with pytest.raises(UserError, match="has 12 bytes, more than the 10"):
        read_labels(tmp_path / "l.txt")


@given(st.binary(max_size=200), st.sampled_from(["l.txt", "l.npy"]), st.booleans())
@settings(max_examples=100, deadline=None)
def test_random_files_give_labels_or_a_user_error(tmp_path_factory, content, name, begun):
    path = tmp_path_factory.getbasetemp() / name
    np.save(path.with_suffix(".npy"), np.arange(3))
    start = path.with_suffix(".npy").read_bytes()[:100] if begun else b""
    path.write_bytes(start + content)
    try:
        assert read_labels(path).dtype == np.int64
    except UserError as error:
        assert str(error).isprintable()
