"""The paper's tables as people and programs read them."""

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from typing import Any

from paper_figures import SOURCES, published
from paper_networks import NETWORKS
from paper_rows import TABLES

from tflq._tables import to_json

Row = dict[str, Any]

DOCUMENT = "PAPER_TABLES.md"
_PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "numpy")
_WEIGHTS = {
    "trained": "ImageNet weights",
    "none here": "random weights (weights: none here; rerun with network to measure)",
    "asked for": "random weights (give `--imagenet` to measure with trained ones)",
    "none": "random weights (no trained ones of ImageNet classes)",
}
_BASIS = {
    "recalled": "† quoted from memory, check the source before citing.",
    "quoted": "‡ quoted from the README, not from the publication.",
}
_INTRODUCTION = """\
# The paper's tables

`python tools/paper_tables.py --smoke` measures the rows that are called a smoke: small versions of
the networks with random weights and a few made-up samples. They show that every cell of the tables
can be made, and say nothing about accuracy; two ResNets of one kind have the same small version.
Without `--smoke`, networks have their true size. With `--imagenet=FOLDER`, those whose trained
weights can be had are measured on the photos in FOLDER, in a smoke on few of them.

Cells in dB are measured here: the signal to noise ratio of the outputs against the float file, and
the share of first answers that are float's; of several outputs the lowest. Cells in % are top-1
measured here, with the points against float, and again the share of first answers. What stands
behind them under "published" was not measured here: top-1 in percent, but where a unit is named.
"""


def document(tables: Mapping[int, Iterable[Row]]) -> str:
    """All tables, with the versions that made them."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    parts = [_INTRODUCTION, f"Python {platform.python_version()}, {versions}.\n"]
    parts += [markdown(number, rows) for number, rows in tables.items()]
    return "\n".join(parts)


def markdown(number: int, rows: Iterable[Row]) -> str:
    """One table."""
    table, shown = TABLES[number], _shown(rows)
    head = ["network", "float", "published"]
    for column in table.columns:
        head += [column, "published"]
    head.append("measured on")
    lines = [f"## {table.title}", "", table.note, ""]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += [_line(number, name, shown.get(name, {})) for name in table.networks]
    return "\n".join([*lines, "", *_sources(number), ""])


def table_json(number: int, rows: Iterable[Row]) -> str:
    """One table for programs; cells that were not measured have no `measured`."""
    table, shown = TABLES[number], _shown(rows)
    cells = []
    for name in table.networks:
        for column in ("float", *table.columns):
            figure = published(number, name, column)
            cells.append(
                {
                    "network": name,
                    "column": column,
                    "measured": shown.get(name, {}).get(column),
                    "published": None if figure is None else vars(figure),
                }
            )
    sources = [{"text": s.text, "basis": s.basis} for s in SOURCES[number]]
    return to_json({"title": table.title, "sources": sources, "cells": cells})


def _shown(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """By network and column, the rows of the setting that tells most of the network."""
    found: dict[str, dict[tuple[bool, bool], dict[str, Row]]] = {}
    failed: dict[str, dict[str, Row]] = {}
    for row in rows:
        if "error" in row:
            failed.setdefault(row["network"], {})[row["column"]] = row
        else:
            settings = found.setdefault(row["network"], {})
            settings.setdefault((row["real"], row["full"]), {})[row["column"]] = row
    best = {name: settings[max(settings)] for name, settings in found.items()}
    return {name: failed.get(name, {}) | best.get(name, {}) for name in {**failed, **best}}


def _line(number: int, name: str, shown: Mapping[str, Row]) -> str:
    good = [row for row in shown.values() if "error" not in row]
    real = bool(good) and good[0]["real"]
    title = NETWORKS[name].title if name in NETWORKS else name
    cells = [title, _percent(good[0]["float_top1"]) if real else "-"]
    cells.append(_figure(number, name, "float"))
    for column in TABLES[number].columns:
        cells.append(_cell(number, name, shown.get(column)))
        cells.append(_figure(number, name, column))
    cells.append(_measured_on(good[0]) if good else "-")
    return f"| {' | '.join(cells)} |"


def _cell(number: int, name: str, row: Row | None) -> str:
    if row is None:
        return f"not measured: `--table={number} --models={name}`"
    if "error" in row:
        return f"failed: {row['error'].replace('|', '/')}"
    agreement = "" if row["agreement"] is None else f", {row['agreement']:.3f}"
    if not row["real"]:
        return f"{row['sqnr_db']:.1f} dB{agreement}"
    points = 100 * (row["top1"] - row["float_top1"])
    return f"{_percent(row['top1'])} ({points:+.2f}){agreement}"


def _measured_on(row: Row) -> str:
    samples = "photos" if row["real"] else "made-up samples"
    smoke = "" if row["full"] else "smoke: "
    return (
        f"{smoke}{_WEIGHTS[row['weights']]}; {row['calibrating']} {samples} calibrate, "
        f"{row['judging']} judge"
    )


def _figure(number: int, name: str, column: str) -> str:
    figure = published(number, name, column)
    return "-" if figure is None else str(figure)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _sources(number: int) -> list[str]:
    texts = "; ".join(source.text for source in SOURCES[number])
    notes = [_BASIS[s.basis] for s in SOURCES[number] if s.basis in _BASIS]
    return [" ".join([f"Published: {texts}.", *notes])]
