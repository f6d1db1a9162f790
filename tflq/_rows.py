"""A file that collects measurements, a line of JSON each, so that none is made twice."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows so far; a line that was cut off while it was written is none."""
    if not file.is_file():
        return []
    return list(_whole(file.read_text().splitlines()))


def append_row(file: Path, row: dict[str, Any]) -> None:
    """Adds a row, which is on disk when this returns."""
    with file.open("ab+") as out:
        # What was cut off stays a line of its own.
        if out.tell() and not _ends_a_line(out):
            out.write(b"\n")
        out.write(json.dumps(row).encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())


def _whole(lines: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")
