"""Accuracy without training: every scheme and method on real networks, as the paper's Table II.

    python tools/post_training.py --results=FILE.jsonl --images=FOLDER [--networks=lite0,lite1]
    python tools/post_training.py --results=FILE.jsonl --fashion=FOLDER --networks=mobilenet_v1,...

FOLDER of --images holds photos named NNN_*.jpg, NNN being the ImageNet class: every tenth
calibrates, the others judge. FOLDER of --fashion holds what tools/fashion_networks.py trained; 100
training images calibrate, the test images judge. Each cell goes to the results file when it is
done, and is not measured again; the tables are printed from there.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from imagenet import logits
from measured_networks import Network, load_network

import tflq
from tflq._fidelity import sqnr_db
from tflq._rows import append_row, read_rows
from tflq._source import open_model

_RESULTS = flags.DEFINE_string("results", None, "file that collects the cells", required=True)
_IMAGES = flags.DEFINE_string("images", None, "folder of NNN_*.jpg")
_FASHION = flags.DEFINE_string("fashion", None, "folder of trained networks")
_DATASET = flags.DEFINE_string("dataset", None, "folder of Fashion-MNIST; default: Debian's")
_NETWORKS = flags.DEFINE_list("networks", ["lite0", "lite1"], "networks to measure")
_SCHEMES = flags.DEFINE_list(
    "schemes", ["w8a8", "w8a8-per-tensor", "w4a8", "w4a8-per-tensor"], "schemes to measure"
)
_METHODS = flags.DEFINE_list("methods", None, "columns to measure; default all")

_EQUALIZED = {"equalize": True}
_ABSORBED = _EQUALIZED | {"absorb_bias": True}
_CORRECTED = _ABSORBED | {"bias_correction": "empirical"}
METHODS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "CLE": _EQUALIZED,
    "CLE, absorb": _ABSORBED,
    "+ bias correction": _CORRECTED,
    "+ least squares": _CORRECTED | {"rounding": "least_squares"},
    "+ AdaRound": _CORRECTED | {"rounding": "adaround"},
    "best": {"recipe": "best"},
    "data-free": {"recipe": "data-free"},
}


def main(_: list[str]) -> None:
    """Measures what is missing, prints all tables."""
    results = Path(_RESULTS.value)
    done = _read(results)
    for name in _NETWORKS.value:
        wanted = [cell for cell in _cells() if (name, *cell) not in done]
        if wanted:
            network = load_network(
                name,
                photos_folder=_IMAGES.value,
                fashion=_FASHION.value,
                dataset=_DATASET.value,
            )
            _measure(network, wanted, results)
    done = _read(results)
    for name in _NETWORKS.value:
        print(_markdown(name, {key[1:]: row for key, row in done.items() if key[0] == name}))


def _cells() -> Iterator[tuple[str, str]]:
    methods = _METHODS.value or list(METHODS)
    return ((scheme, method) for scheme in _SCHEMES.value for method in methods)


def _measure(network: Network, cells: list[tuple[str, str]], results: Path) -> None:
    floating = logits(open_model(network.model).tflite, network.images)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        for scheme, method in cells:
            start = time.perf_counter()
            methods = METHODS[method]
            report = tflq.export(
                network.model,
                path,
                data=None if method == "data-free" else network.calibration,
                scheme=scheme,
                verify_data=network.calibration[:20],
                **methods,
            )
            row = {
                "network": network.name,
                "scheme": scheme,
                "method": method,
                **_judge(logits(path.read_bytes(), network.images), floating, network.labels),
                "seconds": report.seconds,
                "steps": [[s.step, s.note, s.sqnr_db, s.kept] for s in report.steps],
            }
            append_row(results, row)
            took = time.perf_counter() - start
            print(f"{network.name} {scheme} {method}: {row['top1']:.4f}, {took:.0f} s", flush=True)


def _judge(came: np.ndarray, wanted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    wanted = wanted.astype(np.float64)
    return {
        "float_top1": float(np.mean(wanted.argmax(1) == labels)),
        "top1": float(np.mean(came.argmax(1) == labels)),
        "agreement": float(np.mean(came.argmax(1) == wanted.argmax(1))),
        "sqnr_db": sqnr_db(float(np.sum(wanted**2)), float(np.sum((wanted - came) ** 2))),
        "samples": len(labels),
    }


def _read(results: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    rows = read_rows(results)
    return {(row["network"], row["scheme"], row["method"]): row for row in rows}


def _markdown(name: str, rows: dict[tuple[str, str], dict[str, Any]]) -> str:
    if not rows:
        return f"\n{name}: nothing was measured."
    methods = [m for m in METHODS if any(method == m for _, method in rows)]
    schemes = list(dict.fromkeys(scheme for scheme, _ in rows))
    first = next(iter(rows.values()))
    lines = [
        f"\n{name}, float {100 * first['float_top1']:.2f} % of {first['samples']} images; points "
        "of top-1 against float, agreement, SQNR:\n",
        f"| scheme | {' | '.join(methods)} |",
        "|---" * (1 + len(methods)) + "|",
    ]
    cell: Callable[[dict[str, Any]], str] = lambda row: (  # noqa: E731
        f"{100 * (row['top1'] - row['float_top1']):+.2f}, {row['agreement']:.3f}, "
        f"{row['sqnr_db']:.1f} dB"
    )
    for scheme in schemes:
        cells = [cell(rows[scheme, m]) if (scheme, m) in rows else "" for m in methods]
        lines.append(f"| {scheme} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    app.run(main)
