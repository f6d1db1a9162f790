"""The dtypes of data, where they can be known without reading it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tflq.data._archive import open_archive
from tflq.data._elements import is_array, is_indexed
from tflq.data._sources import DataPath, load_array, path_kind


def data_dtypes(data: Any) -> Mapping[str, np.dtype] | np.dtype | None:
    """Peeks at the dtypes of data; subclassed Keras models do not know their own.

    Nothing is consumed: generators and functions are not started.

    Args:
        data: as for `samples`.

    Returns:
        Dtypes by input name where data has names, one dtype where it has none (of the first
        array of a tuple), None where it is not known.

    Raises:
        UserError: data is a path that is missing or damaged.

    Example:
        >>> data_dtypes({"ids": np.zeros((4, 8), np.int32)})
        {'ids': dtype('int32')}
    """
    if isinstance(data, DataPath):
        return _of_path(data.spec)
    if data is None or isinstance(data, (str, bytes, type)):
        return None
    if isinstance(data, Mapping):
        found = {str(key): data_dtypes(value) for key, value in data.items()}
        return {key: dtype for key, dtype in found.items() if isinstance(dtype, np.dtype)}
    if hasattr(data, "element_spec"):
        return data_dtypes(data.element_spec)
    dtype = getattr(data, "dtype", None)
    if dtype is not None or isinstance(data, (bool, int, float)):
        return _numpy_dtype(np.asarray(data).dtype if dtype is None else dtype)
    if not is_array(data) and is_indexed(data):
        return _of_first(data)
    return None


def _of_path(spec: str) -> Mapping[str, np.dtype] | np.dtype | None:
    kind = path_kind(spec)
    if kind == "npy":
        return load_array(spec).dtype
    if kind == "npz":
        dtypes = {name: array.dtype for name, array in open_archive(spec).items()}
        return next(iter(dtypes.values())) if len(dtypes) == 1 else dtypes
    return None


def _of_first(data: Any) -> Mapping[str, np.dtype] | np.dtype | None:
    count = data.num_batches if hasattr(data, "num_batches") else len(data)
    return data_dtypes(data[0]) if count else None


def _numpy_dtype(dtype: Any) -> np.dtype | None:
    """From a dtype of NumPy, TensorFlow or any other library."""
    try:
        found: np.dtype = np.dtype(getattr(dtype, "as_numpy_dtype", dtype))
    except TypeError:
        return None
    return found
