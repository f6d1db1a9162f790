"""Exports every network of the test suite and says what each file consists of.

    python tools/network_coverage.py

Prints a Markdown table: ranges held as asked, what stays float, what XNNPACK leaves to LiteRT's
own kernels, sizes. Weights are random, batch norms have lifelike statistics, inputs are small.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from tflq import ExportReport, export

# The networks are the tests'.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


def main() -> None:
    """Prints one row a network, as it is exported."""
    import networks

    print("| network | ranges as asked | stays float | XNNPACK leaves | parts | size | time |")
    print("|---|---|---|---|---|---|---|")
    for name in (*networks.APPLICATIONS, *networks.ODD):
        known = name in networks.APPLICATIONS
        model, data = networks.application(name) if known else networks.ODD[name]()
        with tempfile.TemporaryDirectory() as folder:
            report = export(model, Path(folder, "int8.tflite"), data=data)
        print(_row(name, report), flush=True)


def _row(name: str, report: ExportReport) -> str:
    facts = report.facts
    held = report.ranges_asked - len(report.deviations)
    cells = (
        name,
        f"{held} of {report.ranges_asked}",
        _counted(tuple(op.split(" ")[0] for op in facts.float_ops)),
        _counted(facts.delegation.left),
        str(facts.delegation.parts),
        f"{report.float_size / 1e6:.2f} -> {facts.size / 1e6:.2f} MB",
        f"{sum(report.seconds.values()):.1f} s",
    )
    return f"| {' | '.join(cells)} |"


def _counted(kinds: tuple[str, ...]) -> str:
    found, counts = np.unique(kinds, return_counts=True)
    return ", ".join(f"{count} {kind}" for kind, count in zip(found, counts, strict=True)) or "-"


if __name__ == "__main__":
    main()
