"""A file that collects measurements, a line of JSON each, so that none is made twice.

Every line tells the version of its layout and a digest of what it says. A line that was cut off
or damaged, or is of another version, is passed over: what it said is measured again.
"""

import hashlib
import json
import math
import os
import stat
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from tflq._errors import UserError
from tflq._limits import ROW

_VERSION = 1
_OURS = ("version", "digest")

T = TypeVar("T")


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows so far, in their order, without those that are damaged.

    Raises:
        UserError: `file` is something else than a file, or cannot be read.
    """
    try:
        stream = _opened(file, os.O_RDONLY)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(
            f"{str(file)!r} cannot be read: {_reason(error)}; choose another folder."
        ) from error
    with stream:
        return [row for line in _lines(stream) if (row := _parsed(line)) is not None]


def append_row(file: Path, row: dict[str, Any]) -> None:
    """Adds a row, which is on disk when this returns.

    Raises:
        UserError: `file` is something else than a file, cannot be written, or the disk is full.
    """
    # What comes back has strings as keys, and lists in place of tuples.
    row = json.loads(json.dumps(row))
    line = json.dumps({"version": _VERSION, "digest": _digest(row), **row}).encode() + b"\n"
    try:
        with _opened(file, os.O_RDWR | os.O_CREAT | os.O_APPEND) as out:
            # What was cut off stays a line of its own.
            out.write(line if _ends_a_line(out) else b"\n" + line)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise UserError(
            f"{str(file)!r} could not be written: {_reason(error)}; free space or choose another "
            "folder."
        ) from error


def restored(kind: type[T], fields: Any) -> T | None:
    """A dataclass from a row, or None where the row does not have exactly its fields.

    Numbers are finite or infinite, never NaN.

    Args:
        kind: the dataclass.
        fields: what the row says.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Point:
        ...     x: float
        >>> restored(Point, {"x": 1.5}), restored(Point, {"x": "1.5"}), restored(Point, [1])
        (Point(x=1.5), None, None)
    """
    kinds = typing.get_type_hints(kind)
    if not isinstance(fields, dict) or set(fields) != set(kinds):
        return None
    if not all(_is_of(fields[name], wanted) for name, wanted in kinds.items()):
        return None
    return kind(**fields)


def _is_of(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, types.UnionType):
        return any(_is_of(value, one) for one in typing.get_args(wanted))
    if typing.is_typeddict(wanted):
        return isinstance(value, dict)
    if wanted is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and not math.isnan(value)
    return type(value) is wanted


def _opened(file: Path, flags: int) -> BinaryIO:
    """Opens a file, and neither waits for a pipe nor reads a device."""
    descriptor = os.open(file, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "ab+")
    os.close(descriptor)
    raise OSError("it is no file")


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines that are no longer than rows may be."""
    whole = True
    while line := stream.readline(ROW):
        ends = line.endswith(b"\n")
        if whole and (ends or len(line) < ROW):
            yield line
        whole = ends


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or row.get("version") != _VERSION:
        return None
    said = {name: value for name, value in row.items() if name not in _OURS}
    return said if row.get("digest") == _digest(said) else None


def _digest(row: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:32]


def _ends_a_line(file: BinaryIO) -> bool:
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
