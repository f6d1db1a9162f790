"""The measurements as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from arm_emulation.counts import ALL

Row = dict[str, Any]

_HEAD = (
    "file",
    "kernels",
    "core",
    "same as x86, these kernels",
    "same as x86, XNNPACK",
    "ops that differ from it",
    "million instructions",
    "of float's",
    "vector multiply-adds among them",
)
_RARE = 0.01


def markdown(rows: Sequence[Row]) -> str:
    """One table a network, with instructions per inference."""
    titles = dict.fromkeys(row["network"] for row in rows)
    return "\n".join(
        _network(title, [row for row in rows if row["network"] == title]) for title in titles
    )


def _network(title: str, rows: list[Row]) -> str:
    lines = [
        f"\n{title}, {rows[0]['samples']} samples, {rows[0]['values']} output values:\n",
        f"| {' | '.join(_HEAD)} |",
        f"|{'---|' * len(_HEAD)}",
    ]
    floating = {row["core"]: row["per_inference"][ALL] for row in rows if row["file"] == "float"}
    lines += [f"| {' | '.join(_cells(row, floating.get(row['core'])))} |" for row in rows]
    return "\n".join(lines)


def _cells(row: Row, floating: float | None) -> tuple[str, ...]:
    counts = row["per_inference"]
    ops = (f"{kind} {agreement_text(found)}" for kind, found in row["ops"].items())
    return (
        *(str(row[key]) for key in ("file", "kernels", "core")),
        agreement_text(row["like"]),
        agreement_text(row["xnnpack"]),
        "; ".join(ops) or "-",
        f"{counts[ALL] / 1e6:.2f}",
        "-" if floating is None else f"{counts[ALL] / floating:.2f}",
        _multiplications(counts),
    )


def agreement_text(found: Mapping[str, float]) -> str:
    """The share of values that are the same and, if not all are, the largest difference.

    Example:
        >>> agreement_text({"same": 0.999999, "largest": 2.0})
        '99.99 %, off by 2'
    """
    if found["same"] == 1:
        return "100 %"
    # Nothing short of all is called 100 %.
    largest = found["largest"]
    size = f"{largest:.0f}" if largest >= 1 else f"{largest:.0e}"
    return f"{min(100 * found['same'], 99.99):.2f} %, off by {size}"


def _multiplications(counts: Mapping[str, float]) -> str:
    kinds = sorted(set(counts) - {ALL}, key=lambda kind: -counts[kind])
    shares = {kind: counts[kind] / counts[ALL] for kind in kinds}
    return ", ".join(f"{k.upper()} {100 * s:.0f} %" for k, s in shares.items() if s >= _RARE) or "-"
