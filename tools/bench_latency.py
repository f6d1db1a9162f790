"""Latency of int8 against float, and of our files against the converter's own, on this machine.

    python tools/bench_latency.py --folder=FOLDER [--networks=…] [--rounds=10] [--seconds=0.5]

The files are made in FOLDER once: a float .tflite, ours (w8a8) and the converter's own int8, of
EfficientNet-Lite0 with its real weights and of networks of keras.applications with random ones,
at 224. All three are measured by `tflq.benchmark` in the same interleaved rounds; the table gives
medians in ms and ratios with their 95 % intervals.
"""

from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from converter import converter_int8

import tflq
from tflq.bench import Latency, SpeedUp, speed_up

_FOLDER = flags.DEFINE_string("folder", None, "where the files are kept", required=True)
_NETWORKS = flags.DEFINE_list(
    "networks",
    ["EfficientNet-Lite0", "MobileNet", "MobileNetV2", "ResNet50"],
    "EfficientNet-Lite0, or of keras.applications",
)
_ROUNDS = flags.DEFINE_integer("rounds", 10, "turns of every file", lower_bound=3)
_SECONDS = flags.DEFINE_float("seconds", 0.5, "of one turn")
_THREADS = (1, 2)
_SIZE, _SAMPLES = 224, 20
_WAYS = ("ours", "converter", "float")


def main(_: list[str]) -> None:
    """Makes what is missing, measures, prints a Markdown table."""
    folder = Path(_FOLDER.value)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "| network | threads | float, ms | int8, ms | converter's int8, ms | "
        "int8 / float speed-up | ours / converter's time |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in _NETWORKS.value:
        files = {way: folder / f"{name}_{way}.tflite" for way in _WAYS}
        if not all(path.exists() for path in files.values()):
            _make(name, files)
        lines += _measured(name, files)
    print("\n".join(lines))


def _make(name: str, files: dict[str, Path]) -> None:
    import keras

    from tflq._source import open_model
    from tflq.demo._efficientnet_lite import load_efficientnet_lite

    keras.utils.set_random_seed(0)
    data = np.random.default_rng(0).normal(size=(_SAMPLES, _SIZE, _SIZE, 3)).astype(np.float32)
    if name == "EfficientNet-Lite0":
        model = load_efficientnet_lite(0)
    else:
        model = getattr(keras.applications, name)(weights=None, input_shape=(_SIZE, _SIZE, 3))
    tflq.export(model, files["ours"], data=data)
    files["converter"].write_bytes(converter_int8(model, data))
    files["float"].write_bytes(open_model(model).tflite)


def _measured(name: str, files: dict[str, Path]) -> list[str]:
    result = tflq.benchmark(
        [files["ours"], files["converter"]],
        compare=files["float"],
        threads=_THREADS,
        rounds=_ROUNDS.value,
        seconds=_SECONDS.value,
    )
    print(result, flush=True)
    rows = []
    for threads in _THREADS:
        found = {
            way: m.latency
            for way, path in files.items()
            for m in result.measurements
            if (m.model, m.threads) == (str(path), threads)
        }
        (gain,) = (
            c.speed_up
            for c in result.comparisons
            if (c.model, c.threads) == (str(files["ours"]), threads)
        )
        cost = speed_up(_turns(found["converter"]), _turns(found["ours"]))
        cells = [_cell(found[way]) for way in ("float", "ours", "converter")]
        rows.append(
            f"| {name} | {threads} | {' | '.join(cells)} | {_ratio(gain)} | {_ratio(cost)} |"
        )
    return rows


def _turns(latency: Any) -> list[list[float]]:
    return [[median] for median in latency.rounds]


def _cell(latency: Latency | None) -> str:
    assert latency is not None, "all of them run here"
    return f"{latency.p50:.2f} ({latency.low:.2f} to {latency.high:.2f})"


def _ratio(found: SpeedUp) -> str:
    return f"{found.ratio:.2f} ({found.low:.2f} to {found.high:.2f})"


if __name__ == "__main__":
    app.run(main)
