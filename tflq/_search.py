"""Finds the recipe that meets a budget."""

import hashlib
import math
import os
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflq._calibrate import batched
from tflq._choices import Choices
from tflq._clock import Clock
from tflq._errors import UserError
from tflq._files import make_folder
from tflq._held_out import HeldOut
from tflq._labels import answers_to, batch_by_batch
from tflq._layer_effects import ENOUGH
from tflq._lock import locked
from tflq._metric import Function, Metric, make_metric
from tflq._opened import Opened, open_for
from tflq._sensitivity import Sensitivity, sensitivity
from tflq._verify import Sample, add_samples
from tflq.scheme import Writer
from tflq.tflite_side import graph_digest, normalize
from tflq.trials import (
    Book,
    Budget,
    Guide,
    Hunt,
    Job,
    Maker,
    SearchResult,
    Shipped,
    as_python,
    best_of,
    combinations,
    front_of,
    make_budget,
    open_workers,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

_ROUNDING = ".rounding"
_SEARCHED = ("calibrator", "equalize", "absorb_bias", "bias_correction", "rounding", "recipe")


def search(
    model: Any,
    data: Any,
    *,
    folder: str | os.PathLike[str],
    metric: str | Function = "agreement",
    max_drop: float | None = None,
    max_latency: float | str | None = None,
    max_size: int | str | None = None,
    verify_data: Any = None,
    labels: Any = None,
    workers: Any = 1,
    device: str = "local",
    batch_size: int | None = 1,
    safe_mode: bool = True,
    **choices: "Unpack[Choices]",
) -> SearchResult:
    """Tries recipes from cheap to dear, then mixes precision, and names the best within a budget.

    Corrections and equalization come first, then calibrators, then learned rounding, each stage on
    the best recipe so far: 14 trials at most in place of all 60 combinations. Where accuracy is
    still missing, the worst layers get more bits or become float; where size is, those that mind
    least get 4-bit weights. Stopped, even killed, it goes on from what is in the folder.

    Args:
        model: anything that `tflq.export` takes.
        data: the representative dataset, likewise.
        folder: keeps every trial and its file; made if need be.
        metric: "agreement" of the largest output with the float model's, or "top1" accuracy, both
            in points (percent); "sqnr" in dB; or a function of the outputs of all samples, those
            of the float model, and the labels, that returns a number, more for better models;
            `module:function` names one.
        max_drop: how much lower than the float model's the metric may be, in its unit.
        max_latency: time of an inference at most, as a multiple of the plain recipe's: 1.1 or
            "1.1x".
        max_size: of the file: bytes, "4MB", "900kB", or "0.8x" the plain recipe's.
        verify_data: samples to judge with; by default every tenth of `data` is held out, 50 at
            most.
        labels: the right answers to `verify_data`, one a sample: an array, a list, or the path of
            a `.npy` or a text file.
        workers: how many processes of this machine make trials; a program that asks for several
            needs an `if __name__ == "__main__":`. Or the address of a Dask scheduler,
            "tls://HOST:PORT", or a `distributed.Client`, for many machines.
        device: whose latency counts: "local", or a phone's; see `tflq.benchmark`.
        batch_size: the batch where the model leaves it open.
        safe_mode: refuse Keras files that carry code (Lambda layers) or name what is neither
            Keras's nor registered, and SavedModels with ops that touch files or Python.
        **choices: what all trials have in common, such as `scheme="w4a8"`, as `tflq.export` takes
            it; what the search varies is not among them.

    Returns:
        A `SearchResult`; `print` shows it as tables. Where no recipe meets the budget, the nearest
        one and by how much that misses it.

    Raises:
        UserError: something given cannot be used, the plain recipe fails, or another search works
            in the folder.

    Example:
        >>> import keras, numpy as np, tempfile, tflq
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
        >>> data = np.random.default_rng(0).normal(size=(100, 8)).astype("float32")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = tflq.search(model, data, folder=folder, max_drop=5)
        >>> found.met, found.best.latency
        (True, 1.0)
    """
    if data is None:
        raise UserError("data is missing; give samples to calibrate with.")
    budget = make_budget(max_drop, max_latency, max_size)
    answers = answers_to(verify_data, labels)
    judge = make_metric(metric, answers)
    _check(choices, judge, budget)
    if isinstance(data, Iterator):
        # Ranking layers reads it again.
        data = list(data)
    clock = Clock()
    opened = open_for(choices, model, data, batch_size=batch_size, safe_mode=safe_mode)
    _check_model(opened, choices)
    with locked(folder, "search"), open_workers(workers) as pool:
        place = make_folder(folder)
        calibration, judged = _samples(opened, data, verify_data)
        job = Job(
            identity=uuid.uuid4().hex,
            model=opened if pool.here else Shipped.of(model),
            calibration=calibration,
            judged=judged,
            labels=batch_by_batch(answers, judged),
            metric=metric,
            batch_size=batch_size,
            safe_mode=safe_mode,
            checkpoints=str(make_folder(place / _ROUNDING).resolve()),
            signature=choices.get("signature"),
        )
        clock.lap("read")
        maker = Maker(job, pool, Book(place, _identity(job, opened, judge), device), device=device)
        rank = partial(_ranked, job, opened, judge, place / "sensitivity")
        hunt = Hunt(maker, budget, maker.reference().value, _guide(judge), rank)
        hunt.run(choices, rewritable=_is_keras(opened))
        clock.lap("trials")
    return _found(opened, judge, hunt, place, samples=len(judged), seconds=clock.laps)


def _found(
    opened: Opened,
    judge: Metric,
    hunt: Hunt,
    place: Path,
    *,
    samples: int,
    seconds: dict[str, float],
) -> SearchResult:
    trials, budget, reference = hunt.trials, hunt.budget, hunt.reference
    best, met = best_of(trials, budget, reference, hunt.guide)
    return SearchResult(
        source=opened.source.source,
        metric=judge.name,
        unit=judge.unit,
        reference=reference,
        budget=str(budget),
        met=met,
        misses=budget.misses(best, reference, trials[0]),
        best=best,
        path=str(place / best.file),
        command=as_python(best.choices),
        front=tuple(trial.number for trial in front_of(trials, hunt.guide)),
        trials=trials,
        note=hunt.note,
        combinations=combinations(rewritable=_is_keras(opened)),
        samples=samples,
        seconds=seconds,
    )


def _ranked(job: Job, opened: Opened, judge: Metric, folder: Path, recipe: Choices) -> Sensitivity:
    """Ranks the layers under a recipe, by a few of the samples to judge with."""
    few = job.judged[:ENOUGH]
    return sensitivity(
        opened.model,
        job.calibration,
        verify_data=few,
        labels=None if job.labels is None else np.concatenate(list(job.labels[: len(few)])),
        metric="sqnr" if judge.function is None else judge.function,
        folder=folder,
        batch_size=job.batch_size,
        safe_mode=job.safe_mode,
        **recipe,
    )


def _check(choices: Choices, judge: Metric, budget: Budget) -> None:
    given = [name for name in _SEARCHED if choices.get(name) is not None]
    if given:
        raise UserError(
            f"{given[0]}={choices.get(given[0])!r} is what a search varies; leave it out, or "
            "export with it."
        )
    if judge.name == "sqnr" and budget.max_drop is not None:
        raise UserError(
            "metric='sqnr' has no largest value to drop from; give max_drop with "
            "metric='agreement', 'top1' or a function of your own."
        )


def _check_model(opened: Opened, choices: Choices) -> None:
    recipe = opened.recipe(choices)
    if opened.source.training is not None:
        raise UserError(
            "the model was trained for its quantization, which leaves no recipe to choose; export "
            "it as it is."
        )
    if recipe.scheme.writer is not Writer.INTEGER:
        raise UserError(
            f"scheme={recipe.scheme.name!r} keeps activations in float32, and a search has nothing "
            "to vary there; choose w8a8, w4a8 or w8a16."
        )


def _samples(
    opened: Opened, data: Any, verify_data: Any
) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """Those to calibrate with and those to judge with, as an export takes them."""
    inputs = opened.source.inputs
    stream = batched(data, inputs, description="reading")
    held = HeldOut(stream, hold_out=verify_data is None)
    calibration = list(held)
    if verify_data is None:
        return calibration, held.kept
    return calibration, list(batched(verify_data, inputs, description="reading"))


def _identity(job: Job, opened: Opened, judge: Metric) -> str:
    """Tells searches of other models, samples or metrics apart."""
    source = opened.source
    plain = normalize(source.tflite, name=source.source, biases=True)
    digest = hashlib.sha256(f"{graph_digest(plain.graph)} {judge.name}".encode())
    for samples in (job.calibration, job.judged):
        add_samples(digest, samples)
    if job.labels is not None:
        digest.update(job.labels.tobytes())
    return digest.hexdigest()


def _guide(judge: Metric) -> Guide:
    """SQNR tells recipes apart where few answers differ; a metric of one's own decides itself."""
    if judge.function is None:
        return lambda trial: (trial.sqnr_db if trial.sqnr_db is not None else -math.inf,)
    return lambda trial: trial.rank


def _is_keras(opened: Opened) -> bool:
    from tflq.keras_side import keras_kind

    return keras_kind(opened.model) is not None
