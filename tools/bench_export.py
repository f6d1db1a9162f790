"""Time and memory of a whole export, beside the converter's own PTQ and the floor of both.

    python tools/bench_export.py [--networks=MobileNetV2,ResNet50] [--repeats=3] [--json=FILE]

Each measurement runs in a process of its own: `ours` (`tflq.export`, by calibrator), `converter`
(full-integer PTQ) and `floor` (conversion to float, then 100 plain float inferences with as many
threads). Rounds are interleaved; the table gives medians of seconds, ratios within this run, and
peak memory of the process. Weights are random, 100 images at 224.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from converter import converter_int8

_NETWORKS = flags.DEFINE_list("networks", ["MobileNetV2", "ResNet50"], "of keras.applications")
_REPEATS = flags.DEFINE_integer("repeats", 3, "rounds", lower_bound=1)
_ONLY = flags.DEFINE_string("only", None, "measure one way in this process and print JSON")
_JSON = flags.DEFINE_string("json", None, "also write the table's figures to this file")

WAYS = ("floor", "converter", "ours minmax", "ours mse")
_IMAGES = 100


def main(_: list[str]) -> None:
    """Measures everything, prints a Markdown table a network."""
    if _ONLY.value:
        print(json.dumps(_measure(_NETWORKS.value[0], _ONLY.value)))
        return
    figures = {}
    for network in _NETWORKS.value:
        rounds: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _round in range(_REPEATS.value):
            for way in WAYS:
                rounds[way].append(_in_a_process(network, way))
        figures[network] = {way: _median(results) for way, results in rounds.items()}
        print(_markdown(network, figures[network]), flush=True)
    if _JSON.value:
        Path(_JSON.value).write_text(json.dumps(figures, indent=2) + "\n")


def _in_a_process(network: str, way: str) -> dict[str, float]:
    command = [sys.executable, __file__, f"--networks={network}", f"--only={way}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    done.check_returncode()
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _measure(network: str, way: str) -> dict[str, float]:
    import keras

    from tflq.tflite_side import Runner

    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, network)(weights=None)
    images = np.random.default_rng(0).normal(size=(_IMAGES, 224, 224, 3)).astype(np.float32)
    # Whatever loads late is not what is measured.
    import tensorflow.lite.python.convert  # noqa: F401

    Runner(_float_file(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    _run(way, model, images)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "megabytes": peak / 1e3, "grown_megabytes": (peak - before) / 1e3}


def _run(way: str, model: Any, images: np.ndarray) -> None:
    from tflq import export
    from tflq.tflite_side import Runner

    if way.startswith("ours"):
        with tempfile.TemporaryDirectory() as folder:
            export(model, Path(folder, "int8.tflite"), data=images, calibrator=way.split()[1])
    elif way == "converter":
        converter_int8(model, images)
    else:
        runner = Runner(_float_file(model))
        for image in images:
            runner.run({runner.inputs[0].name: image[None]})


def _float_file(model: Any) -> bytes:
    from tflq._source import open_model

    return open_model(model).tflite


def _median(results: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(result[key] for result in results) for key in results[0]}


def _markdown(network: str, ways: dict[str, dict[str, float]]) -> str:
    lines = [
        f"\n{network} at 224, {_IMAGES} images, medians of {_REPEATS.value}:\n",
        "| | time | of the converter's | of the floor's | peak memory | of the converter's |",
        "|---|---|---|---|---|---|",
    ]
    theirs, floor = ways["converter"], ways["floor"]
    for way, figure in ways.items():
        lines.append(
            f"| {way} | {figure['seconds']:.1f} s | {figure['seconds'] / theirs['seconds']:.2f} | "
            f"{figure['seconds'] / floor['seconds']:.2f} | {figure['megabytes']:.0f} MB | "
            f"{figure['megabytes'] / theirs['megabytes']:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    app.run(main)
