"""Turns what was measured into tables for people and JSON for programs."""

import dataclasses
import io
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tflq._printable import printable_json, told


def text_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A plain-text table; numbers to the right, names and sentences to the left."""
    body = [list(row) for row in rows]
    table = _table(title, show_header=True)
    for place, column in enumerate(columns):
        numbers = place > 0 and all(_is_short(row[place]) for row in body)
        table.add_column(told(column), justify="right" if numbers else "left", overflow="fold")
    return _render(table, body)


def text_facts(title: str, facts: Iterable[tuple[str, str]]) -> str:
    """Names and what there is to say of them, one a line."""
    table = _table(title, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return _render(table, facts)


def _is_short(cell: str) -> bool:
    return len(cell) < 24


def _table(title: str, *, show_header: bool) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(
        title=told(title),
        box=SIMPLE_HEAD,
        title_justify="left",
        show_edge=False,
        show_header=show_header,
    )


def _render(table: Any, rows: Iterable[Sequence[str]]) -> str:
    from rich.console import Console

    for row in rows:
        table.add_row(*map(told, row))
    stream = io.StringIO()
    # A fixed width keeps tables the same in terminals, files and documents.
    console = Console(file=stream, width=110, markup=False, highlight=False, emoji=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()).strip("\n")


def to_json(value: Any) -> str:
    """JSON of a report; infinite and undefined numbers become null."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    return printable_json(text) + "\n"


def decibels(value: float) -> str:
    """A ratio in dB, such as `19.4 dB`."""
    return f"{value:.1f} dB" if math.isfinite(value) else ("exact" if value > 0 else "no signal")


def megabytes(count: int) -> str:
    """A size in MB (10^6 bytes), or in kB below that."""
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
