"""What returning the worst layers to float brings, on EfficientNet-Lite0.

    python tools/sensitivity_curve.py --folder=FOLDER --images=PHOTOS [--picture=curve.png]

PHOTOS are named NNN_*.jpg, NNN being the ImageNet class. Every tenth calibrates, and the first 32
of these rank the layers; a hundred others judge files whose first layers, or last, are float.
Inputs and outputs of the files are float. What was measured stays in FOLDER.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from imagenet import logits
from measured_networks import Network, load_network

import tflq
from tflq._fidelity import sqnr_db
from tflq._figure import new_figure, to_png
from tflq._files import write_whole
from tflq._lock import locked
from tflq._rows import append_row, read_rows
from tflq._source import open_model

_FOLDER = flags.DEFINE_string("folder", None, "keeps what was measured", required=True)
_IMAGES = flags.DEFINE_string("images", None, "folder of NNN_*.jpg", required=True)
_PICTURE = flags.DEFINE_string("picture", None, "also draw the curves into this PNG")
_SCHEMES = flags.DEFINE_list("schemes", ["w8a8", "w8a8-per-tensor", "w4a8"], "schemes to measure")
_COUNTS, _JUDGED_EVERY = (0, 1, 2, 3, 4, 6, 9, 12, 18, 30), 9

Key = tuple[str, str, int]


def main(_: list[str]) -> None:
    """Measures what is missing, prints the table."""
    folder = Path(_FOLDER.value)
    with locked(folder, "curve"):
        file = folder / "curve.jsonl"
        done = _read(file)
        wanted = [key for key in _keys() if key not in done]
        if wanted:
            network = load_network("lite0", photos_folder=_IMAGES.value, fashion=None)
            _measure(network, wanted, file)
        done = _read(file)
    print(_markdown(done))
    if _PICTURE.value:
        write_whole(_PICTURE.value, _drawn(done))


def _keys() -> list[Key]:
    found = [(scheme, "first", count) for scheme in _SCHEMES.value for count in _COUNTS]
    return found + [(scheme, "last", 6) for scheme in _SCHEMES.value]


def _measure(network: Network, wanted: list[Key], file: Path) -> None:
    images = network.images[::_JUDGED_EVERY]
    floating = logits(open_model(network.model).tflite, images).astype(np.float64)
    for scheme in dict.fromkeys(key[0] for key in wanted):
        choices: Any = {"scheme": scheme, "io": "float32"}
        ranked = tflq.sensitivity(
            network.model, network.calibration, folder=file.parent / scheme, **choices
        )
        print(f"{scheme}: {len(ranked.order)} layers, {ranked.seconds['layers']:.1f} s", flush=True)
        for key in (key for key in wanted if key[0] == scheme):
            _, end, count = key
            layers = ranked.order[:count] if end == "first" else ranked.order[-count:]
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "model.tflite")
                tflq.export(
                    network.model,
                    path,
                    data=network.calibration,
                    scheme_for=dict.fromkeys(layers, "float32"),
                    verify_data=images[:2],
                    **choices,
                )
                came = logits(path.read_bytes(), images)
            noise = float(np.sum((floating - came) ** 2))
            row = {
                "key": key,
                "sqnr_db": sqnr_db(float(np.sum(floating**2)), noise),
                "agreement": float(np.mean(floating.argmax(1) == came.argmax(1))),
                "layers": len(ranked.order),
                "samples": len(images),
            }
            append_row(file, row)
            print(key, f"{row['sqnr_db']:.2f} dB", flush=True)


def _read(file: Path) -> dict[Key, dict[str, Any]]:
    return {tuple(row["key"]): row for row in read_rows(file)}


def _markdown(rows: dict[Key, dict[str, Any]]) -> str:
    first = next(iter(rows.values()))
    lines = [
        f"EfficientNet-Lite0, {first['layers']} layers, {first['samples']} photos; SQNR, and how "
        "much of the noise is gone:\n",
        f"| float layers | {' | '.join(_SCHEMES.value)} |",
        "|---" * (1 + len(_SCHEMES.value)) + "|",
    ]
    for end, count in dict.fromkeys(key[1:] for key in _keys()):
        cells = [_cell(rows, scheme, end, count) for scheme in _SCHEMES.value]
        name = f"{count}" if end == "first" else f"{count}, the last of the ranking"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(rows: dict[Key, dict[str, Any]], scheme: str, end: str, count: int) -> str:
    whole, came = rows[scheme, "first", 0]["sqnr_db"], rows[scheme, end, count]["sqnr_db"]
    return f"{came:.1f} dB, {100 * (1 - 10 ** ((whole - came) / 10)):.0f} %"


def _drawn(rows: dict[Key, dict[str, Any]]) -> bytes:
    figure = new_figure(9, 5)
    axis = figure.subplots()
    for scheme in _SCHEMES.value:
        heights = [rows[scheme, "first", count]["sqnr_db"] for count in _COUNTS]
        axis.plot(_COUNTS, heights, marker="o", label=scheme)
    axis.axvline(6, color="grey", linewidth=0.8, linestyle=":")
    axis.set_xlabel("layers in float, the worst first (dotted: a tenth)")
    axis.set_ylabel("SQNR of the logits, dB")
    axis.set_title("EfficientNet-Lite0: returning layers to float")
    axis.legend()
    return to_png(figure)


if __name__ == "__main__":
    app.run(main)
