import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflq import UserError
from tflq.data import ImageOptions, InputSpec, data_dtypes, from_path, samples
from tflq.data._archive import open_archive
from tflq.data._sources import DataPath

ROWS = np.arange(60.0, dtype=np.float32).reshape(15, 4)
X = InputSpec("x", (None, 4), np.float32)


@pytest.fixture
def streamed(monkeypatch):
    """Arrays are read row by row that would be kept in memory."""
    monkeypatch.setattr("tflq.data._archive.ARRAY_BYTES_IN_MEMORY", 8)


def npy(shape, content=b"", *, dtype="'<f4'", fortran=False):
    """A .npy of that header and content."""
    header = f"{{'descr': {dtype}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def npz(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return str(path)


def read(path):
    found = from_path(str(path), [X], images=ImageOptions())
    return np.concatenate([sample["x"] for sample in samples(found, [X])])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("array", [ROWS, np.asfortranarray(ROWS), ROWS[:1], ROWS[3]])
def test_large_arrays_are_read_row_by_row(save, array, tmp_path, streamed):
    save(tmp_path / "x.npz", x=array)
    found = samples(from_path(str(tmp_path / "x.npz"), [X], images=ImageOptions()), [X])
    for _ in range(2):
        came = np.concatenate([sample["x"] for sample in found])
        np.testing.assert_array_equal(came, np.atleast_2d(array))


def test_rows_in_any_order(tmp_path, streamed):
    np.savez_compressed(tmp_path / "x.npz", x=ROWS)
    array = open_archive(str(tmp_path / "x.npz"))["x"]
    assert (array.shape, array.dtype) == ((15, 4), np.float32)
    for rows in (slice(7, 9), slice(2, 3), slice(3, 15), slice(14, 20), slice(0, 0), slice(9, 2)):
        np.testing.assert_array_equal(array[rows], ROWS[rows])
    np.testing.assert_array_equal(np.asarray(array), ROWS)


def test_dtypes_are_known_without_reading(tmp_path):
    path = npz(tmp_path / "x.npz", a=npy((0, 4)), b=npy((0,), dtype="'<i8'"))
    assert data_dtypes(DataPath(spec=path)) == {"a": np.float32, "b": np.int64}


@pytest.mark.parametrize("shape", [(2**30, 4), (4, 4), (2**70,), (2**40, 2**40), (1, 4)])
def test_claims_are_held_against_what_is_there(shape, tmp_path):
    path = npz(tmp_path / "x.npz", x=npy(shape, bytes(32)))
    with pytest.raises(UserError, match=r"holds 'x\.npy', which claims \d+ bytes and has 32"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy("(-1, 4)", bytes(16)), r"its shape is \(-1, 4\)"),
        (npy("(1,)", bytes(8), dtype="'|O'"), "holds Python objects"),
        (npy("(1, 4.0)", bytes(16)), "shape is not valid"),
        (npy("(1, 4)", bytes(16), dtype="'<q9'"), "cannot be read"),
        (npy("(3, 4)", dtype="'|V0'"), "dtype 'void'"),
    ],
)
def test_odd_headers_are_refused(content, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read(npz(tmp_path / "x.npz", x=content))


def test_what_is_read_at_once_has_a_limit(tmp_path, streamed, monkeypatch):
    monkeypatch.setattr("tflq.data._archive.ARRAY_BYTES", 100)
    np.savez(tmp_path / "x.npz", x=ROWS)
    np.testing.assert_array_equal(read(tmp_path / "x.npz"), ROWS)
    for array in (np.asfortranarray(ROWS), np.zeros((1, 40), np.float32)):
        np.savez(tmp_path / "x.npz", x=array)
        with pytest.raises(UserError, match="bytes at once, more than the 100"):
            read(tmp_path / "x.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_numpy_does_not_write(method, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", method) as archive:
        archive.writestr("x.npy", npy("(1, 4)", bytes(16)))
    with pytest.raises(UserError, match=r"'x\.npy' is compressed by method"):
        read(tmp_path / "x.npz")


def test_zeros_beyond_memory_are_a_stream(tmp_path):
    # 256 MB of zeros in 256 kB.
    with (
        zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w") as stream,
    ):
        stream.write(npy("(16, 4194304)"))
        for _ in range(256):
            stream.write(bytes(2**20))
    with pytest.raises(UserError, match=r"sample 0 .* has shape \(4194304,\)"):
        read(tmp_path / "x.npz")


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_archives_give_samples_or_a_user_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    save = data.draw(st.sampled_from([np.savez, np.savez_compressed]))
    save(path, x=ROWS)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    kept = data.draw(st.sampled_from([8, 999]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tflq.data._archive.ARRAY_BYTES_IN_MEMORY", kept)
        try:
            assert read(path).shape[1:] == (4,)
            data_dtypes(DataPath(spec=str(path)))
        except UserError:
            pass
