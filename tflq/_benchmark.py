"""Measures what a .tflite costs: latency, memory, energy, here and on phones."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from tflq._errors import UserError
from tflq.bench import (
    BACKENDS,
    LOCAL,
    BenchmarkResult,
    Comparison,
    Measurement,
    Model,
    OpTime,
    Pace,
    Plan,
    Run,
    choose_phones,
    measure_here,
    measure_there,
    open_models,
    profile_ops,
    speed_up,
)

_FEWEST = 5
# Of one round, in s; a phone's battery tells its current too seldom for less.
_HERE, _THERE, _WITH_ENERGY = 0.5, 2.0, 20.0
_MOST_THREADS = 64
_ON_THREADS = ("xnnpack", "reference")

Path = str | os.PathLike[str]


def benchmark(
    models: Path | Sequence[Path],
    *,
    device: str = LOCAL,
    backend: str | Sequence[str] = "xnnpack",
    threads: int | Sequence[int] = 1,
    compare: Path | None = None,
    data: Any = None,
    rounds: int = 10,
    seconds: float | None = None,
    profile: bool = False,
    energy: bool = False,
    accelerator: str | None = None,
    runner: str | None = None,
) -> BenchmarkResult:
    """Measures models on every backend and number of threads, in rounds that are interleaved.

    Args:
        models: one .tflite, or several.
        device: "local" for this machine; a phone's serial number, "phone" for the one that is
            connected, "all" for all that are.
        backend: "xnnpack" or "reference" (LiteRT's own kernels); on phones also "nnapi" and
            "gpu"; or several.
        threads: of the CPU, or several numbers; "nnapi" and "gpu" have one.
        compare: another .tflite, such as the float one, that each is compared with.
        data: samples to run on, as `tflq.export` takes them; made up where there are none.
        rounds: how often every model has its turn; three at least to compare.
        seconds: of one turn; by default 0.5 here, 2 on phones and 20 with energy.
        profile: also time the ops of each model, one by one, on this machine.
        energy: also measure energy, on phones that are not plugged in.
        accelerator: of NNAPI, by name.
        runner: path of LiteRT's `benchmark_model` on the phone, to measure with in place of the
            app.

    Returns:
        A `BenchmarkResult`; `print` shows it as tables.

    Raises:
        UserError: a file is missing or damaged, a phone is not ready, the app is not on it or
            fails there, or an argument is out of range.

    Example:
        >>> import keras, numpy as np, tempfile, tflq
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/model.tflite"
        ...     _ = tflq.export(model, path, data=np.eye(8, dtype="float32"))
        ...     result = tflq.benchmark(path, rounds=2, seconds=0.01)
        >>> result.measurements[0].identical, result.measurements[0].delegated
        (1.0, 1)
    """
    pace = _pace(device, rounds, seconds, energy=energy)
    backends, counts = _listed(backend), _threads(threads)
    unknown = [name for name in backends if name not in BACKENDS]
    if unknown:
        raise UserError(f"backend {unknown[0]!r} is unknown; choose one of: {', '.join(BACKENDS)}.")
    if device == LOCAL and (energy or runner or accelerator):
        raise UserError("energy, runner and accelerator are for phones; name one with device=.")
    phones = () if device == LOCAL else choose_phones(device)
    paths = [*_listed(models), *([] if compare is None else [compare])]
    opened = open_models(paths, data)
    runs = [
        Run(model=model, backend=name, threads=count)
        for name in backends
        for count in (counts if name in _ON_THREADS else [1])
        for model in opened
    ]
    baseline = None if compare is None else opened[-1]
    if device == LOCAL:
        found = {LOCAL: measure_here(runs, pace)}
    else:
        plan = Plan(runs=runs, pace=pace, accelerator=accelerator, energy=energy, runner=runner)
        found = measure_there(phones, plan)
    return BenchmarkResult(
        devices={name: result.facts for name, result in found.items()},
        measurements=_ordered([m for r in found.values() for m in r.measurements], opened),
        comparisons=tuple(
            comparison
            for name, result in found.items()
            for comparison in _compared(name, runs, result.latencies, baseline)
        ),
        profile=_profiled(opened, profile),
        settings={"rounds": pace.rounds, "seconds": pace.seconds, "samples": len(opened[0].inputs)},
        flags={name: result.flags for name, result in found.items()},
    )


def _pace(device: str, rounds: int, seconds: float | None, *, energy: bool) -> Pace:
    if not 1 <= rounds <= 1000:
        raise UserError(f"rounds={rounds} is out of range; give 1 to 1000.")
    if seconds is None:
        seconds = _HERE if device == LOCAL else _WITH_ENERGY if energy else _THERE
    if not 0 < seconds <= 3600:
        raise UserError(f"seconds={seconds} is out of range; give more than 0, 3600 at most.")
    return Pace(rounds=rounds, seconds=float(seconds), fewest=_FEWEST)


def _listed(value: Any) -> list[Any]:
    found = [value] if isinstance(value, (str, os.PathLike)) else list(value)
    if not found:
        raise UserError("models= or backend= is empty; give one at least.")
    return found


def _threads(threads: int | Sequence[int]) -> list[int]:
    counts = [threads] if isinstance(threads, int) else list(threads)
    if not counts or any(not 1 <= count <= _MOST_THREADS for count in counts):
        raise UserError(f"threads={threads} is out of range; give numbers of 1 to {_MOST_THREADS}.")
    return counts


def _compared(
    device: str,
    runs: Sequence[Run],
    latencies: Mapping[int, Sequence[Sequence[float]]],
    baseline: Model | None,
) -> list[Comparison]:
    """Every run that was measured, against that of the baseline on the same backend."""
    if baseline is None:
        return []
    others = {(r.backend, r.threads): p for p, r in enumerate(runs) if r.model is baseline}
    found = []
    for place, run in enumerate(runs):
        other = others[run.backend, run.threads]
        if place == other or place not in latencies or other not in latencies:
            continue
        found.append(
            Comparison(
                device=device,
                model=run.model.path,
                baseline=baseline.path,
                backend=run.backend,
                threads=run.threads,
                speed_up=speed_up(latencies[place], latencies[other]),
            )
        )
    return found


def _ordered(made: Sequence[Measurement], models: Sequence[Model]) -> tuple[Measurement, ...]:
    """Model by model, as they were given."""
    places = {model.path: place for place, model in enumerate(models)}
    return tuple(sorted(made, key=lambda m: (m.device, places[m.model], m.backend, m.threads)))


def _profiled(models: Sequence[Model], wanted: bool) -> tuple[OpTime, ...]:
    if not wanted:
        return ()
    return tuple(row for model in models for row in profile_ops(model, backend="xnnpack"))
