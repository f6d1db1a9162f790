"""Trials, in one part or several."""

from pathlib import Path
from types import SimpleNamespace as Row

import keras
import numpy as np
import pytest

import tflq
from tflq import UserError
from tflq._labels import batch_by_batch
from tflq._opened import open_for
from tflq._pipeline import Pipeline
from tflq.data import samples
from tflq.trials import Book, Job, Maker, _maker, open_workers
from tflq.trials._job import workplace


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(0).normal(size=(60, 8, 8, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Conv2D(8, 3, activation="relu", use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.DepthwiseConv2D(3, activation="relu6"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(5),
    ]
    return keras.Sequential([keras.Input((8, 8, 3), name="x"), *layers])


def job_of(model, data, metric="agreement", **rest):
    opened = open_for({}, model, data, batch_size=1, safe_mode=True)
    found = list(samples(data, opened.source.inputs))
    labels = batch_by_batch(np.arange(20) % 5, found[40:])
    return Job(
        identity=f"{id(opened)} {metric}",
        model=opened,
        calibration=found[:40],
        judged=found[40:],
        labels=labels,
        metric=metric,
        batch_size=1,
        safe_mode=True,
        checkpoints="none",
    )


def made(job, folder, recipes, *, shards):
    folder.mkdir(exist_ok=True)
    with open_workers(1) as workers:
        maker = Maker(job, workers, Book(folder, "test", "local"), device="local", shards=shards)
        trials = maker.make("test", recipes)
        return trials, [(folder / t.file).read_bytes() for t in trials if t.file], maker.reference()


RECIPES = [{"calibrator": name, "bias_correction": "empirical"} for name in tflq.calibrators()]


@pytest.mark.parametrize("metric", ["agreement", "top1", "sqnr"])
def test_shards_change_no_bit(model, data, tmp_path, metric):
    job = job_of(model, data, metric)
    # Of the moving average every sample counts, in its order.
    recipes = RECIPES if metric == "sqnr" else [{"calibrator": "moving_average"}]
    one, files, reference = made(job, tmp_path / "1", recipes, shards=1)
    assert not any(trial.error for trial in one)
    for shards in (3, 40):
        many, others, again = made(job, tmp_path / f"{shards}", recipes, shards=shards)
        assert [(t.value, t.sqnr_db) for t in many] == [(t.value, t.sqnr_db) for t in one]
        assert others == files
        assert again == reference


def test_a_trial_is_what_export_writes(model, data, tmp_path):
    recipes = [*RECIPES[:2], {}, {"equalize": True}]
    (_, files, _) = made(job_of(model, data), tmp_path, recipes, shards=3)
    for recipe, content in zip(recipes, files, strict=True):
        tflq.export(model, tmp_path / "x.tflite", data=data[:40], verify_data=data[40:42], **recipe)
        assert (tmp_path / "x.tflite").read_bytes() == content


def test_statistics_spare_the_pass(model, data, tmp_path, monkeypatch):
    calls = []
    collect = Pipeline.__init__.__globals__["Calibration"]._pass.__globals__["collect"]
    monkeypatch.setitem(
        Pipeline.__init__.__globals__["Calibration"]._pass.__globals__,
        "collect",
        lambda *args, **rest: calls.append(0) or collect(*args, **rest),
    )
    made(job_of(model, data), tmp_path, RECIPES, shards=3)
    assert not calls


def test_a_metric_that_fails_is_named_and_the_others_go_on(model, data, tmp_path):
    calls = []

    def fickle(outputs, reference, labels):
        calls.append(0)
        if len(calls) == 2:
            raise ZeroDivisionError("no luck")
        return float("nan") if len(calls) == 3 else 1.0

    trials, _, _ = made(job_of(model, data, fickle), tmp_path, RECIPES, shards=1)
    assert [trial.error for trial in trials if trial.error] == [
        "metric fickle failed with ZeroDivisionError: no luck.",
        "metric fickle returned nan; it must return a finite number.",
    ]
    assert [trial.value for trial in trials] == [1.0, None, None, 1.0, 1.0]


def test_bad_data_is_the_users(model, data, tmp_path):
    job = job_of(model, data)
    spoilt = [{"x": np.full((1, 8, 8, 3), np.float32(3e38))}]
    job = Job(**{**vars(job), "calibration": spoilt, "identity": "spoilt"})
    with pytest.raises(UserError, match="is not finite"):
        made(job, tmp_path, RECIPES, shards=1)


def test_times_are_measured_once_a_structure(model, data, tmp_path):
    name = next(layer.name for layer in model.layers if "depthwise" in layer.name)
    islands = [{"scheme_for": {name: "float32"}, "calibrator": c} for c in ("mse", "minmax")]
    trials, _, _ = made(job_of(model, data), tmp_path, [{}, *RECIPES[:1], *islands], shards=1)
    assert trials[0].latency == trials[1].latency == 1.0
    assert trials[2].latency == trials[3].latency > 0
    assert (tmp_path / "latencies.jsonl").read_text().count("\n") == 1


def test_times_that_cannot_be_told_apart_are_equal(monkeypatch):
    rows = [("a", 0.95, 0.9, 1.01), ("b", 0.5, 0.45, 0.55), ("c", 1.25, 1.2, 1.3)]
    comparisons = [Row(model=m, speed_up=Row(ratio=r, low=low, high=up)) for m, r, low, up in rows]
    monkeypatch.setattr(
        _maker, "benchmark", lambda *args, **rest: Row(comparisons=comparisons[::-1])
    )
    paths = [Path(name) for name, *_ in rows]
    assert _maker.relative_latencies(Path("plain"), paths, "local") == [1.0, 2.0, 0.8]


def test_a_job_is_opened_once_a_process(model, data):
    job = job_of(model, data)
    assert workplace(job) is workplace(job)
    assert workplace(job).opened is job.model
