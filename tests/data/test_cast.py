import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflq import UserError
from tflq.data import InputSpec
from tflq.data._cast import cast, check_dtype

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
FLOATS = ["float16", "float32", "float64"]


def _cast(value, dtype):
    array = np.asarray(value)[np.newaxis]
    return cast(array, InputSpec("x", (None,) * array.ndim, dtype), "sample 3 of input 'x'")


@pytest.mark.parametrize("came", ["float64", "float16", "uint8", "int64", "bool", ">f4"])
def test_numbers_become_float32(came):
    result = _cast(np.array([0, 1], came), "float32")
    assert result.dtype == np.float32 and result.tolist() == [[0.0, 1.0]]


def test_bfloat16_is_a_float():
    import tensorflow as tf

    value = tf.constant([1.5, 2.0], tf.bfloat16).numpy()
    assert _cast(value, "float32").tolist() == [[1.5, 2.0]]
    assert _cast([1.5], value.dtype).dtype == value.dtype


@given(
    hnp.arrays(st.sampled_from([*INTEGERS, *FLOATS, "bool"]), (3,)),
    st.sampled_from([*INTEGERS, "bool"]),
)
def test_integers_are_kept_or_refused(array, dtype):
    values = [float(v) if array.dtype.kind == "f" else int(v) for v in array]
    low, high = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    keeps = all(np.isfinite(v) and int(v) == v and low <= int(v) <= high for v in values)
    if keeps:
        result = _cast(array, dtype)
        assert result.dtype == dtype and [int(v) for v in result[0]] == [int(v) for v in values]
    else:
        with pytest.raises(UserError, match="sample 3 of input 'x'"):
            _cast(array, dtype)


@given(
    hnp.arrays(st.sampled_from(FLOATS), hnp.array_shapes(max_dims=3)),
    st.sampled_from(FLOATS),
)
def test_floats_are_finite_or_refused(array, dtype):
    with np.errstate(over="ignore"):
        expected = array.astype(dtype)
    if np.isfinite(expected).all():
        np.testing.assert_array_equal(_cast(array, dtype)[0], expected)
    else:
        with pytest.raises(UserError, match=r"NaN|infinity|too large"):
            _cast(array, dtype)


def test_the_result_is_a_contiguous_copy():
    source = np.asfortranarray(np.ones((4, 5), np.float32))
    result = _cast(source, "float32")
    source[:] = 7
    assert result.flags.c_contiguous and (result == 1).all()


def test_a_mapped_file_is_let_go(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert type(_cast(mapped, "float32")) is np.ndarray


@pytest.mark.parametrize("value, what", [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infi")])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_the_place_of_a_bad_value_is_named(value, what, dtype):
    array = np.zeros((2, 3, 6))
    array[0, 2, 5] = value
    with pytest.raises(UserError, match=rf"sample 3 of input 'x' holds {what}.* at \[0, 2, 5\]"):
        _cast(array, dtype)


def test_a_scalar_has_no_place():
    with pytest.raises(UserError, match="holds NaN; "):
        _cast(np.nan, "float32")


def test_a_value_beyond_float32_is_named():
    with pytest.raises(UserError, match=r"1e\+300 at \[1\], too large for float32"):
        _cast([0, 1e300], "float32")


def test_fractions_and_limits_are_named():
    with pytest.raises(UserError, match=r"0\.5 at \[1\], but the input takes int32"):
        _cast([1.0, 0.5], "int32")
    with pytest.raises(UserError, match=r"holds 256, but the input takes uint8 \(0 to 255\)"):
        _cast([256], "uint8")
    with pytest.raises(UserError, match=r"holds 2, but the input takes bool \(0 to 1\)"):
        _cast([2], "bool")


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a"]),
        np.array([b"a"]),
        np.array([{}], object),
        np.array([1j]),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.zeros(1, [("a", "f4")]),
    ],
    ids=lambda array: array.dtype.str,
)
def test_what_is_no_number_is_refused_on_either_side(array):
    with pytest.raises(UserError, match="holds no real numbers"):
        _cast(array, "float32")
    with pytest.raises(UserError, match="input 'x' of the model has dtype"):
        _cast([1.0], array.dtype)
    with pytest.raises(UserError, match=r"^here has dtype"):
        check_dtype(array.dtype, "here")


def test_empty_arrays_pass():
    assert _cast(np.zeros((0, 3)), "int32").shape == (1, 0, 3)
