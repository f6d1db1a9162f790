"""Brings one sample to its input's dtype without changing what it says."""

import numpy as np

from tflq._errors import UserError
from tflq.data._spec import InputSpec


def check_dtype(dtype: np.dtype, where: str) -> None:
    """Refuses what is no number.

    Args:
        dtype: the dtype that came.
        where: how the message calls it.

    Raises:
        UserError: texts, objects, dates, complex numbers.
    """
    if not (_is_float(dtype) or dtype.kind in "iub"):
        raise UserError(
            f"{where} has dtype {dtype.name!r}, which holds no real numbers; give floats, "
            "integers or bools in arrays of equal shape."
        )


def cast(array: np.ndarray, spec: InputSpec, where: str) -> np.ndarray:
    """Copies a sample to the dtype of its input.

    Floats may be rounded (float64 to float32); integers and bools are never changed.

    Args:
        array: one sample, shape (1, ...).
        spec: its input.
        where: how messages call the sample.

    Returns:
        A C-contiguous copy: neither a later change of the source nor its size in memory
        touches what a caller keeps.

    Raises:
        UserError: there is NaN or infinity, or a value that the dtype cannot hold.
    """
    check_dtype(array.dtype, where)
    check_dtype(spec.dtype, f"input {spec.name!r} of the model")
    if _is_float(spec.dtype):
        with np.errstate(over="ignore"):
            result = array.astype(spec.dtype, order="C", subok=False)
        _check_finite(array, result, where)
        return result
    _check_finite(array, array, where)
    _check_integers(array, spec.dtype, where)
    return array.astype(spec.dtype, order="C", subok=False)


def _is_float(dtype: np.dtype) -> bool:
    # NumPy knows bfloat16 only as an extension, of kind "V".
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _check_finite(array: np.ndarray, result: np.ndarray, where: str) -> None:
    finite = np.isfinite(result)
    if finite.all():
        return
    place = tuple(np.argwhere(~finite)[0])
    value = array[place]
    if np.isfinite(value):
        raise UserError(
            f"{where} holds {value}{_at(place)}, too large for {result.dtype.name}; scale the data."
        )
    what = "NaN" if np.isnan(value) else "infinity"
    raise UserError(f"{where} holds {what}{_at(place)}; repair the sample or leave it out.")


def _check_integers(array: np.ndarray, dtype: np.dtype, where: str) -> None:
    """Refuses fractions and values outside the dtype; array is finite."""
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if _is_float(array.dtype):
        wrong = array != np.trunc(array)
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0])
            raise UserError(
                f"{where} holds {array[place]}{_at(place)}, but the input takes {dtype.name}; "
                "give whole numbers."
            )
    # Python's integers compare exactly, whatever the dtypes.
    for value in (int(array.min()), int(array.max())) if array.size else ():
        if not low <= value <= high:
            raise UserError(
                f"{where} holds {value}, but the input takes {dtype.name} ({low} to {high})."
            )


def _at(place: tuple[np.intp, ...]) -> str:
    """The position without the batch; a scalar has none."""
    return f" at {[int(i) for i in place[1:]]}" if len(place) > 1 else ""
