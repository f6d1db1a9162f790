"""The arrays of a .npz, read as they are asked for.

What a stranger's archive claims is believed only as far as it is held against what lies there: a
megabyte of it can stand for a gigabyte of zeros.
"""

import math
import weakref
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import numpy as np

from tflq._errors import UserError
from tflq._limits import ARRAY_BYTES, ARRAY_BYTES_IN_MEMORY
from tflq._regular import open_regular

_PIECE = 2**20
# What np.savez and np.savez_compressed write; others can claim far more than they hold.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ArchivedArray:
    """One array of a .npz; large ones are read row by row, as a stream in which no row is kept.

    Args:
        archive: the file.
        member: name of the array's file in it.

    Raises:
        UserError: it holds Python objects, or less or more than it claims.
        Exception: of zipfile's or NumPy's: it is damaged.
    """

    def __init__(self, archive: str, member: str):
        self._archive, self._member = archive, member
        self._stream: IO[bytes] | None = None
        self._open = ExitStack()
        weakref.finalize(self, self._open.close)
        self._next = 0
        self._whole: np.ndarray | None = None
        with _opened(archive) as opened, opened.open(member) as stream:
            self.shape, self.dtype, self._fortran = _header(stream)
            begin, size = stream.tell(), opened.getinfo(member).file_size
        self._bytes = math.prod(self.shape) * self.dtype.itemsize
        self._row = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._check(size - begin)

    def __getitem__(self, rows: slice) -> np.ndarray:
        if self._whole is None and self._fits:
            self._whole = self._read_whole()
        if self._whole is not None:
            return self._whole[rows]
        first, last, _ = rows.indices(self.shape[0])
        with _told(self._archive):
            return self._read_rows(first, max(first, last))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self._read_whole(), dtype)

    @property
    def _fits(self) -> bool:
        return self._fortran or not self.shape or self._bytes <= ARRAY_BYTES_IN_MEMORY

    def _check(self, there: int) -> None:
        what = f"data={self._archive!r} holds {self._member!r}, which"
        if self._bytes != there:
            raise UserError(
                f"{what} claims {self._bytes} bytes and has {there}; save it again with np.savez."
            )
        at_once = self._bytes if self._fits else self._row
        if at_once > ARRAY_BYTES:
            raise UserError(
                f"{what} is to be read as {at_once} bytes at once, more than the {ARRAY_BYTES} "
                "that are; save it in C order, with samples along its first dimension."
            )

    def _read_whole(self) -> np.ndarray:
        with (
            _told(self._archive),
            _opened(self._archive) as opened,
            opened.open(self._member) as stream,
        ):
            return np.lib.format.read_array(stream, allow_pickle=False)

    def _read_rows(self, first: int, last: int) -> np.ndarray:
        if self._stream is None or first < self._next:
            self._begin()
        assert self._stream is not None, "it has just been opened"
        skipped = (first - self._next) * self._row
        while skipped > 0 and (piece := self._stream.read(min(skipped, _PIECE))):
            skipped -= len(piece)
        content = self._stream.read((last - first) * self._row)
        self._next = last
        if last == self.shape[0]:
            self._open.close()
            self._stream = None
        return np.frombuffer(content, self.dtype).reshape(last - first, *self.shape[1:])

    def _begin(self) -> None:
        self._open.close()
        archive = self._open.enter_context(_opened(self._archive))
        self._stream = self._open.enter_context(archive.open(self._member))
        _header(self._stream)
        self._next = 0


def open_archive(spec: str) -> dict[str, ArchivedArray]:
    """The arrays of a .npz file, of which only the headers are read.

    Raises:
        UserError: it is damaged, or holds anything but arrays of plain dtypes.
    """
    with _told(spec):
        with _opened(spec) as opened:
            for info in opened.infolist():
                _check_member(spec, opened, info)
            members = opened.namelist()
        return {member.removesuffix(".npy"): ArchivedArray(spec, member) for member in members}


@contextmanager
def _told(spec: str) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # zipfile, zlib and NumPy's parsers have no common base for a damaged file.
        raise damaged(spec, error) from error


def damaged(spec: str, error: Exception) -> UserError:
    """What is said of a file that NumPy or zipfile does not read."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return UserError(f"data={spec!r} cannot be read ({reason}); save it again with np.save.")


@contextmanager
def _opened(spec: str) -> Iterator[zipfile.ZipFile]:
    with open_regular(spec) as file, zipfile.ZipFile(file) as archive:
        yield archive


def _check_member(spec: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    if info.compress_type not in _COMPRESSIONS:
        raise ValueError(f"{info.filename!r} is compressed by method {info.compress_type}")
    with archive.open(info) as stream:
        if stream.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
            name = info.filename.removesuffix(".npy")
            raise UserError(f"data={spec!r} holds {name!r}, which is no array; leave it out.")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, bool]:
    """Shape, dtype, and whether it lies in Fortran's order; the stream is at the values then."""
    version = np.lib.format.read_magic(stream)
    # Of version 3 are names of fields; a sample has none.
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its format is {version}")
    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    shape, fortran, dtype = read[version[0]](stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if any(n < 0 for n in shape):
        raise ValueError(f"its shape is {shape}")
    return shape, dtype, fortran and len(shape) > 1
