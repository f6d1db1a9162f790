"""Times a training step: the float model, its copy from tflq.quantize, and tfmot's.

    python tools/bench_qat.py [--networks=mobilenet_v2,resnet50] [--rounds=15] [--nojit] [--notfmot]

Prints a Markdown table: milliseconds a step (batch 32, 96 x 96 pixels), median over the rounds, and
its ratio to the float model's, as the median of the ratios round by round: the models take turns,
so that a busy machine slows all alike. tfmot is timed on the same architecture in tf_keras, against
that float model's own time as well.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import app, flags

import tflq
from tflq.qat import FINAL, set_phase

_NETWORKS = flags.DEFINE_list("networks", ["mobilenet_v2", "resnet50"], "networks to time")
_ROUNDS = flags.DEFINE_integer("rounds", 15, "rounds of one step each")
_JIT = flags.DEFINE_bool("jit", True, "time jit_compile=True as well")
_TFMOT = flags.DEFINE_bool("tfmot", True, "time tfmot as well")
_BATCH, _SIZE, _WARM_UP = 32, 96, 3

Step = Callable[[], Any]


def main(_: list[str]) -> None:
    """Prints one row a network, model and way of compiling."""
    print("| network | model | jit | ms a step | of Keras 3 float | of its own float |")
    print("|---|---|---|---|---|---|")
    for name in _NETWORKS.value:
        for jit in (False, True) if _JIT.value else (False,):
            _time(name, jit)


def _time(name: str, jit: bool) -> None:
    import keras

    model = _network(keras, name)
    steps = {
        "float": _step(model, jit, keras),
        "tflq.quantize": _step(tflq.quantize(model), jit, keras),
    }
    frozen = tflq.quantize(model)
    set_phase(frozen, FINAL)
    steps["tflq, frozen"] = _step(frozen, jit, keras)
    if _TFMOT.value and not jit:
        import tensorflow_model_optimization as tfmot
        import tf_keras

        legacy = _network(tf_keras, name)
        steps["tf_keras float"] = _step(legacy, jit, tf_keras)
        steps["tfmot"] = _step(tfmot.quantization.keras.quantize_model(legacy), jit, tf_keras)
    times = _interleaved(steps)
    for label, taken in times.items():
        own = times["tf_keras float"] if label in ("tf_keras float", "tfmot") else times["float"]
        cells = (
            name,
            label,
            "yes" if jit else "no",
            f"{1e3 * np.median(taken):.0f}",
            f"{np.median(taken / times['float']):.2f}",
            f"{np.median(taken / own):.2f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def _network(keras: Any, name: str) -> Any:
    shape = (_SIZE, _SIZE, 3)
    if name == "resnet50":
        return keras.applications.ResNet50(weights=None, input_shape=shape, classes=10)
    return keras.applications.MobileNetV2(alpha=0.35, weights=None, input_shape=shape, classes=10)


def _step(model: Any, jit: bool, keras: Any) -> Step:
    import tensorflow as tf

    loss = keras.losses.SparseCategoricalCrossentropy()
    model.compile(keras.optimizers.SGD(1e-3), loss, jit_compile=jit)
    images = np.random.default_rng(0).normal(size=(_BATCH, _SIZE, _SIZE, 3)).astype(np.float32)
    labels = np.arange(_BATCH) % 10
    data = tf.data.Dataset.from_tensors((images, labels)).repeat()
    model.make_train_function()
    train = model.train_function
    iterator = iter(data)
    return lambda: tf.nest.map_structure(np.asarray, train(iterator))


def _interleaved(steps: dict[str, Step]) -> dict[str, np.ndarray]:
    for step in steps.values():
        for _ in range(_WARM_UP):
            step()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(_ROUNDS.value):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            taken[name].append(time.perf_counter() - start)
    return {name: np.array(times) for name, times in taken.items()}


if __name__ == "__main__":
    app.run(main)
