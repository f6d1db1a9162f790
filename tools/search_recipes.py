"""Searches for recipes on real networks, beside the best of the tables made by hand.

    python tools/search_recipes.py --folder=FOLDER --images=PHOTOS --searches=lite0:w8a8
    python tools/search_recipes.py --folder=FOLDER --fashion=NETS [--dataset=FOLDER]
        --searches=mobilenet_v2_imbalanced:w8a8-per-tensor,mobilenet_v2_imbalanced:w4a8

PHOTOS and NETS are those of tools/post_training.py, whose samples calibrate and judge here too.
Every trial stays in FOLDER; a search that was stopped goes on. Prints a table a search, and one of
all.
"""

from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from imagenet import logits
from measured_networks import load_network

import tflq
from tflq._source import open_model

_FOLDER = flags.DEFINE_string("folder", None, "keeps the trials", required=True)
_IMAGES = flags.DEFINE_string("images", None, "folder of NNN_*.jpg")
_FASHION = flags.DEFINE_string("fashion", None, "folder of trained networks")
_DATASET = flags.DEFINE_string("dataset", None, "folder of Fashion-MNIST; default: Debian's")
_SEARCHES = flags.DEFINE_list("searches", ["lite0:w8a8"], "NETWORK:SCHEME of each search")
_DROP = flags.DEFINE_float("max_drop", 0.5, "points of top-1 below float")
_WORKERS = flags.DEFINE_integer("workers", 1, "processes that make trials")


def main(_: list[str]) -> None:
    """Runs the searches, prints what they found."""
    lines = [
        "| network | scheme | tried, of all | recipe | top-1, points | agreement | SQNR | time |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in _SEARCHES.value:
        network, scheme = name.split(":")
        lines.append(_row(network, scheme))
    print("\n".join(lines))


def _row(name: str, scheme: str) -> str:
    network = load_network(
        name, photos_folder=_IMAGES.value, fashion=_FASHION.value, dataset=_DATASET.value
    )
    folder = Path(_FOLDER.value, f"{name}-{scheme}")
    found = tflq.search(
        network.model,
        network.calibration,
        folder=folder,
        verify_data=network.images,
        labels=network.labels,
        metric="top1",
        max_drop=_DROP.value,
        scheme=scheme,
        workers=_WORKERS.value,
    )
    print(f"{found}\n", flush=True)
    found.plot(folder / "front.png")
    floating = logits(open_model(network.model).tflite, network.images)
    came = logits(Path(found.path).read_bytes(), network.images)
    cells: tuple[Any, ...] = (
        name,
        scheme,
        f"{len(found.trials)} of {found.combinations}",
        found.command.partition("data=data, ")[2].rstrip(")").replace("|", "\\|"),
        f"{(found.best.value or 0) - found.reference:+.2f}",
        f"{np.mean(floating.argmax(-1) == came.argmax(-1)):.3f}",
        f"{found.best.sqnr_db:.1f} dB",
        f"{found.best.latency:.2f}x",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    app.run(main)
