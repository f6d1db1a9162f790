import numpy as np
import pytest
import tensorflow as tf

from tflq import UserError
from tflq.data import DataPath, data_dtypes

IDS = np.zeros((3, 4), np.int32)
ROWS = np.zeros((3, 2), np.float64)


class Batches:
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return IDS, ROWS


class Endless(Batches):
    num_batches = None


@pytest.mark.parametrize(
    "data",
    [
        IDS,
        tf.constant(IDS),
        [IDS],
        (IDS, ROWS),
        [(IDS, ROWS)],
        [[IDS, ROWS]],
        Batches(),
        tf.data.Dataset.from_tensor_slices(IDS),
        np.int32(3),
        tf.data.Dataset.from_tensor_slices((IDS, ROWS)).batch(2),
    ],
)
def test_one_dtype(data):
    assert data_dtypes(data) == np.dtype("int32")


@pytest.mark.parametrize("data", [[[1, 2], [3, 4]], 5])
def test_numbers_of_python(data):
    assert data_dtypes(data) == np.dtype(int)


@pytest.mark.parametrize(
    "data",
    [
        {"ids": IDS, "rows": ROWS},
        [{"ids": IDS, "rows": ROWS}],
        ({"ids": IDS, "rows": ROWS}, ROWS),
        tf.data.Dataset.from_tensor_slices({"ids": IDS, "rows": ROWS}),
        tf.data.Dataset.from_tensor_slices(({"ids": IDS, "rows": ROWS}, ROWS)),
    ],
)
def test_dtypes_by_name(data):
    assert data_dtypes(data) == {"ids": np.dtype("int32"), "rows": np.dtype("float64")}


@pytest.mark.parametrize(
    "data", [None, "text", [], (), Endless(), object(), {1, 2}, Batches, DataPath(spec="os:getcwd")]
)
def test_what_is_not_known(data):
    assert data_dtypes(data) is None


def test_unknown_columns_are_left_out():
    assert data_dtypes({"ids": IDS, "rows": None}) == {"ids": np.dtype("int32")}


def test_bfloat16():
    assert data_dtypes(tf.constant([1.0], tf.bfloat16)).name == "bfloat16"


def test_tensors_of_a_library_without_numpy_dtypes():
    class Tensor:
        dtype = "quint8x4"

    assert data_dtypes(Tensor()) is None


def test_nothing_is_started():
    def generator():
        raise AssertionError("started")
        yield

    assert data_dtypes(generator()) is None
    assert data_dtypes(generator) is None
    stream = iter([IDS])
    assert data_dtypes(stream) is None and next(stream) is IDS


def test_files(tmp_path):
    np.save(tmp_path / "ids.npy", IDS)
    np.savez(tmp_path / "one.npz", anything=IDS)
    np.savez(tmp_path / "two.npz", ids=IDS, rows=ROWS)
    assert data_dtypes(DataPath(spec=str(tmp_path / "ids.npy"))) == np.dtype("int32")
    assert data_dtypes(DataPath(spec=str(tmp_path / "one.npz"))) == np.dtype("int32")
    assert data_dtypes(DataPath(spec=str(tmp_path / "two.npz")))["rows"] == np.dtype("float64")
    assert data_dtypes(DataPath(spec=str(tmp_path))) is None


def test_missing_files_are_found_early():
    with pytest.raises(UserError, match="does not exist"):
        data_dtypes(DataPath(spec="nowhere.npy"))
