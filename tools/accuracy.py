"""Accuracy of every calibrator on real networks and photos, beside the converter's own PTQ.

    python tools/accuracy.py --images=FOLDER [--variants=0,1] [--json=FILE]

FOLDER holds photos named NNN_*.jpg, NNN being the ImageNet class. Every tenth calibrates, the
others judge. Prints a Markdown table a network: top-1 of float and int8, agreement of their
top-1, and SQNR of the logits, both against the float .tflite.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from converter import converter_int8
from imagenet import logits, photos

from tflq import calibrators, export
from tflq._fidelity import sqnr_db
from tflq._files import write_whole
from tflq._source import open_model
from tflq._tables import to_json
from tflq.demo import load_efficientnet_lite

_IMAGES = flags.DEFINE_string("images", None, "folder of NNN_*.jpg", required=True)
_VARIANTS = flags.DEFINE_list("variants", ["0", "1"], "EfficientNet-Lite variants")
_JSON = flags.DEFINE_string("json", None, "also write the rows to this file")
_EVERY = 10

Row = dict[str, Any]


def main(_: list[str]) -> None:
    """Prints one table a network."""
    rows: list[Row] = []
    for variant in _VARIANTS.value:
        model = load_efficientnet_lite(int(variant))
        images, labels = photos(Path(_IMAGES.value), model.input_shape[1])
        calibrating = np.arange(len(images)) % _EVERY == 0
        network = _measure(model, images[calibrating], images[~calibrating], labels[~calibrating])
        print(_markdown(f"EfficientNet-Lite{variant}, w8a8", network), flush=True)
        rows += [{"network": f"EfficientNet-Lite{variant}", **row} for row in network]
    if _JSON.value:
        write_whole(_JSON.value, to_json(rows).encode())


def _measure(
    model: Any, calibration: np.ndarray, images: np.ndarray, labels: np.ndarray
) -> list[Row]:
    floating = open_model(model).tflite
    reference = logits(floating, images)
    rows = [_row("float", floating, reference, reference, labels)]
    theirs = converter_int8(model, calibration)
    rows.append(_row("converter's PTQ", theirs, logits(theirs, images), reference, labels))
    recipes = [("mse", "minmax"), ("mse", "mse"), *((name, "output_mse") for name in calibrators())]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float.tflite"), Path(folder, "int8.tflite")
        source.write_bytes(floating)
        for calibrator, weights in recipes:
            export(
                source,
                target,
                data=calibration,
                calibrator=calibrator,
                weight_calibrator=weights,
                verify_data=calibration[:1],
            )
            content = target.read_bytes()
            name = calibrator if weights == "output_mse" else f"{calibrator}, weights {weights}"
            rows.append(_row(name, content, logits(content, images), reference, labels))
    return rows


def _row(
    name: str, content: bytes, logits: np.ndarray, reference: np.ndarray, labels: np.ndarray
) -> Row:
    wanted = reference.astype(np.float64)
    return {
        "recipe": name,
        "top1": float(np.mean(logits.argmax(1) == labels)),
        "agreement": float(np.mean(logits.argmax(1) == reference.argmax(1))),
        "sqnr_db": sqnr_db(float(np.sum(wanted**2)), float(np.sum((wanted - logits) ** 2))),
        "megabytes": len(content) / 1e6,
        "samples": len(labels),
    }


def _markdown(title: str, rows: list[Row]) -> str:
    lines = [
        f"\n{title}, {rows[0]['samples']} photos:\n",
        "| | top-1 | minus float, points | agreement | SQNR | size |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        points = 100 * (row["top1"] - rows[0]["top1"])
        lines.append(
            f"| {row['recipe']} | {100 * row['top1']:.2f} % | {points:+.2f} | "
            f"{row['agreement']:.4f} | {row['sqnr_db']:.2f} dB | {row['megabytes']:.2f} MB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    app.run(main)
