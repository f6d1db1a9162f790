"""Searches, from the model to the best file."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import tflq
from tflq import UserError
from tflq._lock import locked
from tflq._rows import read_rows
from tflq._source import open_model
from tflq.cli.main import main


def network():
    """Channels of very unlike ranges between two layers: hard in 4 bits, easy to equalize."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,), name="x")
    hidden = keras.layers.Dense(16, name="first")(inputs)
    hidden = keras.layers.Dense(12, name="middle")(keras.layers.ReLU(name="act")(hidden))
    model = keras.Model(inputs, keras.layers.Dense(6, name="last")(hidden), name="net")
    scale = np.float32(10) ** np.linspace(-2, 2, 16, dtype=np.float32)
    first, middle = model.get_layer("first"), model.get_layer("middle")
    first.kernel.assign(first.kernel.numpy() * scale)
    middle.kernel.assign(middle.kernel.numpy() / scale[:, None])
    return model


DATA = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float32)


def distance(outputs, reference, labels):
    """A metric of one's own: minus the mean error."""
    return -float(np.abs(outputs[0] - reference[0]).mean())


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    result = tflq.search(
        network(), DATA[:60], folder=folder, verify_data=DATA[60:], scheme="w4a8", max_drop=3
    )
    return result, folder


def test_the_best_is_within_the_budget_and_no_other_is_as_fast(found):
    result, _ = found
    assert result.met
    assert result.reference - result.best.value <= 3
    assert result.reference == 100
    within = [t for t in result.trials if t.value is not None and 100 - t.value <= 3]
    assert min(t.latency for t in within) == result.best.latency
    assert result.best.number in result.front
    assert result.trials[0].stage == "plain"


def test_every_trial_and_its_file_is_kept(found):
    result, folder = found
    rows = read_rows(folder / "trials.jsonl")
    assert len(rows) == len(result.trials)
    for trial in result.trials:
        assert (folder / trial.file).stat().st_size == trial.size
    assert not list((folder / ".rounding").iterdir())


def test_the_command_makes_the_file_again(found, tmp_path):
    result, _ = found
    names = {"tflq": tflq, "model": network(), "data": DATA[:60]}
    command = result.command.replace('"model.tflite"', f"{str(tmp_path / 'model.tflite')!r}")
    eval(command.replace(")", ", verify_data=data[:2])"), names)
    assert (tmp_path / "model.tflite").read_bytes() == Path(result.path).read_bytes()


def test_it_says_what_it_found(found, tmp_path):
    result, _ = found
    text = str(result)
    assert "No other is more accurate" in text
    assert result.command.split("(")[0] in text
    assert json.loads(result.to_json())["best"]["choices"] == result.choices
    result.plot(tmp_path / "front.png")
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")


def test_a_second_search_makes_nothing_again(found):
    result, folder = found
    before = (folder / "trials.jsonl").read_bytes()
    again = tflq.search(
        network(), DATA[:60], folder=folder, verify_data=DATA[60:], scheme="w4a8", max_drop=3
    )
    assert [t.value for t in again.trials] == [t.value for t in result.trials]
    assert again.best == result.best
    assert (folder / "trials.jsonl").read_bytes() == before


def test_two_processes_find_the_same(found, tmp_path):
    result, _ = found
    again = tflq.search(
        network(),
        DATA[:60],
        folder=tmp_path,
        verify_data=DATA[60:],
        scheme="w4a8",
        max_drop=3,
        workers=2,
    )
    told = [(t.number, t.choices, t.value, t.sqnr_db, t.size) for t in again.trials]
    assert told == [(t.number, t.choices, t.value, t.sqnr_db, t.size) for t in result.trials]
    for one, other in zip(result.trials, again.trials, strict=True):
        assert (tmp_path / other.file).read_bytes() == Path(result.path).with_name(
            one.file
        ).read_bytes()


_KILLED = """
import sys, os, signal
sys.path.insert(0, {tests!r})
import test_recipe_search as t
from tflq.trials import Book
keep = Book.keep
def then_die(book, trial, content):
    keep(book, trial, content)
    if len(book._kept) == {kept}:
        os.kill(os.getpid(), signal.SIGKILL)
Book.keep = then_die
t.tflq.search(t.network(), t.DATA[:60], folder=sys.argv[1], verify_data=t.DATA[60:],
              scheme="w4a8", max_drop=3)
"""


def test_killed_it_goes_on(found, tmp_path):
    kept = 7
    script = _KILLED.format(tests=str(Path(__file__).parent), kept=kept)
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    rows = read_rows(tmp_path / "trials.jsonl")
    assert len(rows) == kept
    again = tflq.search(
        network(), DATA[:60], folder=tmp_path, verify_data=DATA[60:], scheme="w4a8", max_drop=3
    )
    assert [t.value for t in again.trials] == [t.value for t in found[0].trials]
    assert read_rows(tmp_path / "trials.jsonl")[:kept] == rows


def test_a_folder_is_for_one_search_at_a_time(tmp_path):
    refused = pytest.raises(UserError, match="in use by another search")
    with locked(tmp_path, "search"), refused:
        tflq.search(network(), DATA, folder=tmp_path, max_drop=1)


@pytest.fixture(scope="module")
def float_file(tmp_path_factory):
    """Without Keras layers there is less to try."""
    file = tmp_path_factory.mktemp("float") / "float.tflite"
    file.write_bytes(open_model(network()).tflite)
    return file


def test_a_budget_that_nothing_meets_names_the_nearest(float_file, tmp_path):
    result = tflq.search(float_file, DATA, folder=tmp_path, metric=distance, max_drop=0)
    # Inputs and outputs stay int8 whatever lies between.
    assert "float32 islands" in [trial.stage for trial in result.trials]
    assert not result.met
    assert result.misses == {"max_drop": pytest.approx(-result.best.value)}
    assert f"misses max_drop by {-result.best.value:.4g}" in " ".join(str(result).split())
    assert result.best.value == max(t.value for t in result.trials if t.value is not None)


def test_a_metric_that_fails_costs_its_trial(float_file, tmp_path):
    calls = []

    def fickle(outputs, reference, labels):
        calls.append(0)
        return float("nan") if len(calls) == 4 else distance(outputs, reference, labels)

    result = tflq.search(float_file, DATA, folder=tmp_path, metric=fickle, max_drop=10)
    assert [trial.number for trial in result.trials if trial.error] == [2]
    assert "metric fickle returned nan" in str(result)
    assert len(result.trials) in (8, 9)
    assert result.combinations == 20


def test_small_files_have_four_bits_where_they_cost_least(tmp_path):
    keras.utils.set_random_seed(2)
    inputs = keras.Input((64,), name="x")
    hidden = keras.layers.Dense(64, activation="relu", name="a")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(64, name="b")(hidden))
    (tmp_path / "float.tflite").write_bytes(open_model(model).tflite)
    data = np.random.default_rng(0).normal(size=(60, 64)).astype(np.float32)
    result = tflq.search(
        tmp_path / "float.tflite", data, folder=tmp_path, metric="sqnr", max_size="0.9x"
    )
    assert result.met
    assert result.best.size <= 0.9 * result.trials[0].size
    assert list(result.best.choices["scheme_for"].values()) == ["w4a8"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "there is no budget"),
        ({"max_drop": 1, "calibrator": "kl"}, "calibrator='kl' is what a search varies"),
        ({"max_drop": 1, "metric": "sqnr"}, "metric='sqnr' has no largest value"),
        ({"max_drop": 1, "metric": "top1"}, "metric='top1' needs the right answers"),
        ({"max_drop": 1, "metric": "best"}, "metric='best' is unknown"),
        ({"max_drop": 1, "labels": [1, 2]}, "labels are the answers to verify_data"),
        ({"max_drop": 1, "scheme": "dynamic"}, "scheme='dynamic' keeps activations in float32"),
        ({"max_drop": 1, "workers": 0}, "workers=0 is out of range"),
    ],
)
def test_what_cannot_be_searched_is_refused(tmp_path, given, words):
    with pytest.raises(UserError, match=words):
        tflq.search(network(), DATA, folder=tmp_path, **given)


def test_the_command_line(float_file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.tflite").write_bytes(float_file.read_bytes())
    np.save("data.npy", DATA)
    flags = ["search", "net.tflite", "--folder=out", "--data=data.npy"]
    assert main([*flags, "--max_drop=60", "--json=found.json", "--picture=front.png"]) == 0
    printed = capsys.readouterr().out
    best = json.loads(Path("found.json").read_text())["best"]
    assert Path("out/best.tflite").read_bytes() == Path("out", best["file"]).read_bytes()
    command = json.loads(Path("found.json").read_text())["command"]
    assert command.startswith("tflq export net.tflite model.tflite --data=data.npy --scheme=w8a8")
    assert Path("front.png").is_file()
    assert "again" in printed
    assert main(command.split()[1:]) == 0
    assert Path("model.tflite").read_bytes() == Path("out/best.tflite").read_bytes()
    # All that was tried is there; only the budget is another.
    Path("out/best.tflite").unlink()
    capsys.readouterr()
    assert main([*flags, "--max_size=10"]) == 2
    said = capsys.readouterr().err
    assert "no recipe is within the budget (at most 0.0 kB); the nearest is trial" in said
    assert not Path("out/best.tflite").exists()
    assert main(["search", "net.tflite", "--data=data.npy", "--max_drop=1"]) == 2
    assert "--folder is missing" in capsys.readouterr().err
