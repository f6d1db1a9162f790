"""Fills the paper's tables cell by cell; each is on disk when it is done, and not made again."""

import gc
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paper_cells import measure
from paper_page import DOCUMENT, document, markdown, table_json
from paper_rows import TABLES
from paper_subjects import Setting, Subjects

from tflq._errors import UserError
from tflq._files import write_whole
from tflq._lock import locked
from tflq._rows import append_row, read_rows

Row = dict[str, Any]


def reproduce(
    numbers: Sequence[int],
    *,
    folder: Path,
    models: Sequence[str] | None = None,
    imagenet: Path | None = None,
    smoke: bool = False,
) -> int:
    """Measures what is missing of some tables and writes them.

    Args:
        numbers: of the tables.
        folder: gets the rows, the tables and the document of all of them.
        models: networks to measure; None measures all.
        imagenet: folder of labelled photos.
        smoke: small networks, random weights, few samples.

    Returns:
        How many cells failed.

    Raises:
        UserError: a network is in none of the tables, there are no photos, or the folder is in use.
    """
    known = list(dict.fromkeys(name for n in numbers for name in TABLES[n].networks))
    for name in models or ():
        if name not in known:
            raise UserError(f"network {name!r} is unknown; choose one of: {', '.join(known)}.")
    subjects = Subjects(imagenet, smoke=smoke)
    with locked(folder, "run of paper_tables.py"):
        failed = 0
        for number in numbers:
            chosen = [n for n in TABLES[number].networks if models is None or n in models]
            failed += sum(_fill(number, name, folder, subjects) for name in chosen)
            _write(number, folder)
        tables = {number: read_rows(_rows_file(folder, number)) for number in TABLES}
        write_whole(folder / DOCUMENT, document(tables).encode())
    return failed


def _rows_file(folder: Path, number: int) -> Path:
    return folder / f"table{number}.jsonl"


def _write(number: int, folder: Path) -> None:
    rows = read_rows(_rows_file(folder, number))
    write_whole(folder / f"table{number}.md", markdown(number, rows).encode())
    write_whole(folder / f"table{number}.json", table_json(number, rows).encode())


def _fill(number: int, name: str, folder: Path, subjects: Subjects) -> int:
    """Measures the missing cells of one network; returns how many failed."""
    import keras

    file = _rows_file(folder, number)
    wanted = subjects.wanted(name)
    missing = _missing(number, name, read_rows(file), wanted)
    if not missing:
        return 0
    # Rows on random weights may be there already; then only trained weights tell more.
    on_random = _missing(number, name, read_rows(file), replace(wanted, real=False))
    failed = 0
    try:
        subject = subjects.load(name, random=bool(on_random))
    except Exception as error:
        return sum(_record(file, number, name, column, wanted, error) for column in missing)
    if subject is not None:
        for column in missing if subject.setting.real else on_random:
            came: Row | Exception
            try:
                measured = measure(subject, TABLES[number].columns[column])
                came = measured | {"weights": subject.weights}
            except Exception as error:
                came = error
            failed += _record(file, number, name, column, subject.setting, came)
    del subject
    keras.backend.clear_session()
    gc.collect()
    return failed


def _missing(number: int, name: str, rows: Iterable[Row], wanted: Setting) -> list[str]:
    done = {
        row["column"]
        for row in rows
        if row["network"] == name
        and "error" not in row
        and Setting(real=row["real"], full=row["full"]).covers(wanted)
    }
    return [column for column in TABLES[number].columns if column not in done]


def _record(
    file: Path, number: int, name: str, column: str, setting: Setting, came: Row | Exception
) -> int:
    """Appends a cell's row; returns 1 for a failure."""
    row: Row = {"network": name, "column": column, "real": setting.real, "full": setting.full}
    if isinstance(came, Exception):
        came = {"error": _one_line(came)}
    append_row(file, row | came)
    told = came.get("error") or f"{came['sqnr_db']:.1f} dB, {came['seconds']:.1f} s"
    print(f"table {number}, {name}, {column}: {told}", flush=True)
    return int("error" in came)


def _one_line(error: Exception) -> str:
    """An error for a document: without the folders of this machine."""
    first = (str(error).strip().splitlines() or [""])[0]
    return re.sub(r"(?<![\w:/])/(?:[^\s/'\"]+/)+", "", f"{type(error).__name__}: {first}")
