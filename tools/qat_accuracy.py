"""Training for the file: float, the best export without training, and QAT, as the paper's Table IV.

    python tools/qat_accuracy.py --results=FILE.jsonl --fashion=FOLDER [--dataset=FOLDER]

FOLDER of --fashion holds what tools/fashion_networks.py trained. Accuracy is that of the .tflite
file on the 10,000 test images (int4 weights are widened to int8 for that, see widened.py); QAT is
trained once a seed. Each cell goes to the results file when it is done, and is not measured again;
the table is printed from there.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from fashion_mnist import DEBIAN, flipped, load_fashion_mnist
from imagenet import logits
from widened import widened

import tflq
from tflq._rows import append_row, read_rows
from tflq._source import open_model

_RESULTS = flags.DEFINE_string("results", None, "file that collects the cells", required=True)
_FASHION = flags.DEFINE_string("fashion", None, "folder of trained networks", required=True)
_DATASET = flags.DEFINE_string("dataset", str(DEBIAN), "folder of Fashion-MNIST")
_NETWORKS = flags.DEFINE_list(
    "networks",
    ["mobilenet_v1_imbalanced", "mobilenet_v2_imbalanced", "resnet8", "resnet18"],
    "networks to measure",
)
_SCHEMES = flags.DEFINE_list("schemes", ["w8a8", "w8a8-per-tensor", "w4a8"], "schemes to measure")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "seeds of the training")
_EPOCHS = flags.DEFINE_integer("epochs", 1, "passes over the training images")
_RATE = flags.DEFINE_float(
    "rate", None, "learning rate to start from; by default 2e-4, and 5e-4 for 4-bit weights"
)
_CALIBRATING = 100

Cell = tuple[str, str, str]


def main(_: list[str]) -> None:
    """Measures what is missing, prints the table."""
    results = Path(_RESULTS.value)
    training, test = load_fashion_mnist(Path(_DATASET.value))
    for name in _NETWORKS.value:
        for cell in _cells(name):
            if cell in _read(results):
                continue
            start = time.perf_counter()
            row: dict[str, Any] = dict(zip(("network", "scheme", "way"), cell, strict=True))
            row["top1"] = _measure(*cell, training, test)
            row["seconds"] = time.perf_counter() - start
            append_row(results, row)
            print(row, flush=True)
    print(_markdown(_read(results)))


def _cells(name: str) -> list[Cell]:
    ways = ["nothing", "best", *(f"qat seed {seed}" for seed in _SEEDS.value)]
    measured = [(name, scheme, way) for way in ways for scheme in _SCHEMES.value]
    return [(name, "float", "float"), *measured]


def _measure(name: str, scheme: str, way: str, training: Any, test: Any) -> float:
    import keras

    model = keras.models.load_model(Path(_FASHION.value, f"{name}.keras"), compile=False)
    images, labels = test
    if scheme == "float":
        came = logits(open_model(model).tflite, images)
        return float(np.mean(came.argmax(1) == labels))
    data = training[0][:_CALIBRATING]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        if way.startswith("qat"):
            tflq.export(_trained(model, scheme, int(way.split()[-1]), training), path)
        else:
            recipe = "best" if way == "best" else None
            tflq.export(model, path, data=data, scheme=scheme, recipe=recipe)
        came = logits(widened(path.read_bytes()), images)
    return float(np.mean(came.argmax(1) == labels))


def _trained(model: Any, scheme: str, seed: int, training: Any) -> Any:
    import keras

    keras.utils.set_random_seed(seed)
    images, labels = training
    qat = tflq.quantize(
        model,
        scheme=scheme,
        data=images[:_CALIBRATING],
        equalize="imbalanced" in model.name or "mobilenet" in model.name,
    )
    batches = flipped(images, labels, seed=seed)
    steps = _EPOCHS.value * len(batches)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rate = _RATE.value or (5e-4 if scheme.startswith("w4") else 2e-4)
    decay = keras.optimizers.schedules.CosineDecay(rate, steps)
    qat.compile(keras.optimizers.Adam(decay), loss, metrics=["accuracy"])
    qat.fit(batches, epochs=_EPOCHS.value, callbacks=[tflq.QATSchedule()], verbose=2)
    return qat


def _read(file: Path) -> dict[Cell, float]:
    rows = read_rows(file)
    return {(row["network"], row["scheme"], row["way"]): row["top1"] for row in rows}


def _markdown(cells: dict[Cell, float]) -> str:
    """Accuracy in percent, and in points against float; QAT as mean and spread of its seeds."""
    lines = ["| network | scheme | float | nothing | best | QAT |", "|---|---|---|---|---|---|"]
    for name, scheme in dict.fromkeys(cell[:2] for cell in cells if cell[1] != "float"):
        floating = cells[name, "float", "float"]
        ways = {way: top1 for (n, s, way), top1 in cells.items() if (n, s) == (name, scheme)}
        trained = [100 * (v - floating) for way, v in ways.items() if way.startswith("qat")]
        told = [f"{100 * (ways[w] - floating):+.2f}" if w in ways else "" for w in _UNTRAINED]
        spread = f"{min(trained):+.2f} to {max(trained):+.2f}" if trained else ""
        mean = f"{np.mean(trained):+.2f} ({spread})" if trained else ""
        lines.append(f"| {name} | {scheme} | {100 * floating:.2f} | {' | '.join(told)} | {mean} |")
    return "\n".join(lines)


_UNTRAINED = ("nothing", "best")


if __name__ == "__main__":
    app.run(main)
