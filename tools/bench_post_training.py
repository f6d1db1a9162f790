"""What the methods of post-training quantization cost, beside one calibration pass.

    python tools/bench_post_training.py [--variant=1] [--scheme=w4a8] [--repeats=3]

Networks are EfficientNet-Lite with its ImageNet weights, on 100 random images. Each method is
measured in a process of its own; rounds are interleaved, and the table gives medians of seconds,
ratios to the calibration pass, and by how much the method raised the peak memory of the process.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import app, flags

_VARIANT = flags.DEFINE_integer("variant", 0, "of EfficientNet-Lite: 0 or 1")
_SCHEME = flags.DEFINE_string("scheme", "w4a8", "scheme to round for")
_REPEATS = flags.DEFINE_integer("repeats", 3, "rounds", lower_bound=1)
_ONLY = flags.DEFINE_string("only", None, "measure one method in this process and print JSON")

METHODS = (
    "calibration pass",
    "cross-layer equalization",
    "the same, caps measured",
    "bias correction",
    "least squares",
    "adaround",
)
_IMAGES = 100


def main(_: list[str]) -> None:
    """Measures everything, prints a Markdown table."""
    if _ONLY.value:
        print(json.dumps(_measure(_ONLY.value)))
        return
    rounds: dict[str, list[dict[str, float]]] = {method: [] for method in METHODS}
    for _round in range(_REPEATS.value):
        for method in METHODS:
            rounds[method].append(_in_a_process(method))
    print(f"EfficientNet-Lite{_VARIANT.value}, {_SCHEME.value}, {_IMAGES} images:\n")
    print("| | time | of a calibration pass | peak memory grew by |\n|---|---|---|---|")
    medians = {
        method: {key: statistics.median(one[key] for one in found) for key in found[0]}
        for method, found in rounds.items()
    }
    unit = medians["calibration pass"]["seconds"]
    for method, figure in medians.items():
        seconds, memory = figure["seconds"], figure["megabytes"]
        print(f"| {method} | {seconds:.2f} s | {seconds / unit:.2f} | {memory:.0f} MB |")


def _in_a_process(method: str) -> dict[str, float]:
    command = [sys.executable, __file__, f"--variant={_VARIANT.value}", f"--only={method}"]
    command.append(f"--scheme={_SCHEME.value}")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    done.check_returncode()
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _measure(method: str) -> dict[str, float]:
    run = _prepared(method)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "megabytes": (peak - before) / 1e3}


def _prepared(method: str) -> Callable[[], Any]:
    """Everything but the method itself is done before."""
    from tflq.demo import load_efficientnet_lite
    from tflq.keras_side import Rewriting

    model = load_efficientnet_lite(_VARIANT.value)
    generator = np.random.default_rng(0)
    shape = (1, *model.input_shape[1:])
    samples = [
        {model.inputs[0].name: generator.uniform(-1, 1, shape).astype(np.float32)}
        for _ in range(_IMAGES)
    ]
    if "equalization" in method or "caps" in method:
        rewriting = Rewriting(model)
        seen = samples if "caps" in method else None
        return lambda: rewriting.equalize(seen, bits=8, per_channel=False)
    return _on_the_tflite_side(method, model, samples)


def _on_the_tflite_side(
    method: str, model: Any, samples: list[dict[str, np.ndarray]]
) -> Callable[[], Any]:
    from tflq._source import open_model
    from tflq.affine import Mode, parameters
    from tflq.scheme import get_scheme
    from tflq.tflite_side import (
        Plan,
        activation_bits,
        assign,
        choose_bounds,
        choose_ranges,
        collect,
        normalize,
        refine,
        weight_bits,
    )

    source = open_model(model)
    plain = normalize(source.tflite, name="the network", biases=True)
    if method == "calibration pass":
        return lambda: collect(plain.content, plain.graph, samples, inputs=source.inputs)
    assignment = assign(plain.graph, get_scheme(_SCHEME.value), {})
    bits = activation_bits(plain.graph, assignment)
    found = collect(plain.content, plain.graph, samples, inputs=source.inputs)
    ranges = choose_ranges(
        plain.graph, found, calibrator="mse", overrides={}, trained={}, bits=bits
    ).ranges
    plan = Plan(
        doors={t: parameters(*r, bits=8, mode=Mode.ASYMMETRIC) for t, r in ranges.items()},
        bounds=choose_bounds(plain.graph, assignment=assignment, method="output_mse", trained={}),
        bits=weight_bits(plain.graph, assignment),
    )
    named = {"bias correction": "nearest", "least squares": "least_squares"}
    rounding = named.get(method, method)
    return lambda: refine(plain.content, plan, samples, source.inputs, rounding=rounding)


if __name__ == "__main__":
    app.run(main)
