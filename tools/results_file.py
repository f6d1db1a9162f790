"""A file that collects measurements, a line of JSON each, so that none is made twice."""

import json
import os
from pathlib import Path
from typing import Any


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows so far; a line that was cut off while it was written is none."""
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]


def append_row(file: Path, row: dict[str, Any]) -> None:
    """Adds a row, which is on disk when this returns."""
    with file.open("a") as out:
        out.write(json.dumps(row) + "\n")
        out.flush()
        os.fsync(out.fileno())
