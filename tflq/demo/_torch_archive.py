"""Reads the weights of a `.pth` state dict without torch.

The container that torch wrote until 1.6 is a row of pickles (magic number, protocol version,
system, the dict, the keys of its storages) and then every storage: its length as int64 and its
raw values. Only the few names that a state dict needs are unpickled.
"""

import collections
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tflq._errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The tensors of a state dict, by name.

    Args:
        path: a `.pth` file of the container described above.

    Raises:
        UserError: the file is missing, damaged, or holds anything but plain tensors.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            return _read(stream)
    except Exception as error:
        # Unpickling damaged bytes raises whatever they happen to mean.
        raise UserError(
            f"weights {str(file)!r} cannot be read ({type(error).__name__}: {error}); "
            "install the package that carries them again."
        ) from error


class _Storage:
    """The values that several tensors may look into; they come behind the pickles."""

    def __init__(self, dtype: np.dtype, length: int):
        self.dtype = dtype
        self.length = length
        self.values = np.zeros(0, dtype)


class _Tensor:
    """A view into a storage, made once the storage has been read."""

    def __init__(self, storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any):
        self._storage = storage
        self._offset = offset
        self._shape = tuple(shape)
        self._strides = tuple(strides)

    def array(self) -> np.ndarray:
        last = self._offset + sum(
            (size - 1) * stride for size, stride in zip(self._shape, self._strides, strict=True)
        )
        if min(self._offset, *self._strides, *self._shape, 0) < 0 or last >= self._storage.length:
            raise ValueError("a tensor lies outside of its storage")
        values = self._storage.values[self._offset :]
        steps = [stride * values.itemsize for stride in self._strides]
        return np.array(np.lib.stride_tricks.as_strided(values, self._shape, steps))


class _Unpickler(pickle.Unpickler):
    """Knows the names of a state dict and no others."""

    def __init__(self, stream: BinaryIO):
        super().__init__(stream)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
        }
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} has no place among weights")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, length, _ = pid
        if kind != "storage" or not isinstance(dtype, np.dtype) or length < 0:
            raise pickle.UnpicklingError("not a storage")
        return self.storages.setdefault(key, _Storage(dtype, length))


def _read(stream: BinaryIO) -> dict[str, np.ndarray]:
    if _Unpickler(stream).load() != _MAGIC:
        raise ValueError("not a legacy torch container")
    for _ in ("protocol version", "system"):
        _Unpickler(stream).load()
    unpickler = _Unpickler(stream)
    tensors = unpickler.load()
    for key in _Unpickler(stream).load():
        storage = unpickler.storages[key]
        (length,) = struct.unpack("<q", stream.read(8))
        if length != storage.length:
            raise ValueError("a storage has another length than announced")
        data = stream.read(length * storage.dtype.itemsize)
        storage.values = np.frombuffer(data, storage.dtype, length)
    return {str(name): tensor.array() for name, tensor in tensors.items()}
