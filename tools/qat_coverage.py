"""Trains one step of every network of keras.applications for its file, and exports it.

    python tools/qat_coverage.py --results=FILE.jsonl [--networks=MobileNetV2,VGG16]

Each network, at a small input size and with random weights, is quantized, trained for a step,
saved, loaded, exported and run. The table says which codes of the file the training-time and the
integer simulation meet, and what stays float. Each row goes to the results file when it is done,
and is not made again. With random weights a network amplifies the smallest difference, so that
codes of the training-time simulation drift apart in deep ones; the integer one's do not.
"""

import inspect
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

import tflq
from tflq._rows import append_row, read_rows
from tflq.tflite_side import Graph, Runner

# The networks' lifelike statistics are the tests'.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

_RESULTS = flags.DEFINE_string("results", None, "file that collects the rows", required=True)
_NETWORKS = flags.DEFINE_list("networks", None, "networks to try; default all")
_SIZES = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
_SIZE, _CLASSES, _JUDGED = 64, 20, 4


def main(_: list[str]) -> None:
    """Makes what is missing and prints the table."""
    results = Path(_RESULTS.value)
    for name in _NETWORKS.value or applications():
        if name not in _read(results):
            try:
                row = _cover(name)
            except Exception:
                # One network must not keep the others from their turn.
                traceback.print_exc()
                continue
            append_row(results, row)
            print(row, flush=True)
    print(_markdown(list(_read(results).values())))


def applications() -> list[str]:
    """The names of all networks."""
    import keras

    return [
        name
        for name, build in vars(keras.applications).items()
        if inspect.isfunction(build) and name[0].isupper()
    ]


def _cover(name: str) -> dict[str, Any]:
    import keras
    from networks import noise, settle

    start = time.perf_counter()
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    size = _SIZES.get(name, _SIZE)
    model = getattr(keras.applications, name)(
        weights=None, input_shape=(size, size, 3), classes=_CLASSES, classifier_activation=None
    )
    own_scaling = any(type(layer).__name__ == "Rescaling" for layer in model.layers)
    data = noise(size, size, 3) * np.float32(60 if own_scaling else 1)
    data += np.float32(120 if own_scaling else 0)
    settle(model, data)
    qat = tflq.quantize(model, data=data)
    qat.compile(keras.optimizers.SGD(1e-6), "mse")
    loss = qat.train_on_batch(data, model.predict(data, verbose=0))
    with tempfile.TemporaryDirectory() as folder:
        qat.save(Path(folder, "qat.keras"))
        # The largest networks fit into memory only a few times.
        del model, qat
        loaded = keras.saving.load_model(Path(folder, "qat.keras"))
        predicted = loaded.predict(data, verbose=0)
        report = tflq.export(loaded, Path(folder, "qat.tflite"))
        del loaded
        keras.backend.clear_session()
        content = Path(folder, "qat.tflite").read_bytes()
        found = tflq.parity(content, data[:_JUDGED])
    same, near = _agreement(predicted, content, data)
    return {
        "network": name,
        "loss": float(np.asarray(loss)),
        "same": same,
        "near": near,
        "op_by_op": found.identical,
        "end_to_end": min(found.outputs.values()),
        "approximate": sorted(found.approximate),
        "float": _counted([op.split(" ")[0] for op in report.facts.float_ops]),
        "deviations": len(report.deviations),
        "parts": report.facts.delegation.parts,
        "size": report.facts.size,
        "seconds": time.perf_counter() - start,
    }


def _agreement(predicted: Any, content: bytes, data: np.ndarray) -> tuple[float, float]:
    """Shares of output codes that are the same, and at most one apart."""
    runner = Runner(content)
    (spec,) = runner.inputs
    came = np.concatenate([runner.run({spec.name: data[i : i + 1]})[0] for i in range(len(data))])
    graph = Graph.from_bytes(content)
    held = graph.tensors[graph.outputs[0]].quantization
    scale = 1.0 if held is None else held.scale[0]
    codes = np.abs(np.rint((came - predicted) / scale))
    return float(np.mean(codes == 0)), float(np.mean(codes <= 1))


def _counted(kinds: list[str]) -> str:
    found, counts = np.unique(kinds, return_counts=True)
    return ", ".join(f"{n} {kind}" for kind, n in zip(found, counts, strict=True)) or "-"


def _read(file: Path) -> dict[str, dict[str, Any]]:
    return {row["network"]: row for row in read_rows(file)}


def _markdown(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| network | training: same | within 1 | integer: op by op | end to end | approximate | "
        "stays float | parts | size | time |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['network']} | {row['same']:.3f} | {row['near']:.3f} | {row['op_by_op']:.5f} | "
            f"{row['end_to_end']:.3f} | {', '.join(row['approximate']) or '-'} | {row['float']} | "
            f"{row['parts']} | {row['size'] / 1e6:.1f} MB | {row['seconds']:.0f} s |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    app.run(main)
