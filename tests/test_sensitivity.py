"""What quantizing each layer alone costs."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import tflq
from tflq import UserError
from tflq._lock import locked
from tflq._rows import append_row, read_rows
from tflq._sensitivity import _resumed
from tflq.cli.main import main


def network(bad="middle"):
    """Three layers, of which one has an outlier in its weights."""
    keras.utils.set_random_seed(0)
    names = ("first", "middle", "last")
    dense = [keras.layers.Dense(12, activation="relu", name=name) for name in names[:2]]
    model = keras.Sequential(
        [keras.Input((8,), name="x"), *dense, keras.layers.Dense(5, name="last")]
    )
    weights = model.get_layer(bad).kernel
    weights.assign(np.where(np.arange(weights.shape[0])[:, None] == 0, 20.0, weights.numpy()))
    return model


@pytest.fixture(scope="module")
def data():
    # The first activation must not move, or its outlier would be heard.
    return np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)


def test_the_worst_layer_comes_first_and_its_return_helps(data, tmp_path):
    model = network()
    found = tflq.sensitivity(model, data, scheme="w4a8", bias_correction="empirical")
    assert found.order[0] == "middle"
    assert {layer.kind for layer in found.layers} == {"INPUT", "FULLY_CONNECTED"}
    sqnr = {}
    for name in found.order:
        report = tflq.export(
            model,
            tmp_path / "x.tflite",
            data=data,
            scheme="w4a8",
            scheme_for={name: "float32"},
            bias_correction="empirical",
            verify_data=data[:32],
        )
        sqnr[name] = report.outputs[0].sqnr_db
    assert max(sqnr, key=sqnr.get) == "middle"


def test_names_hold_where_the_model_is_rewritten(data, tmp_path):
    inputs = keras.Input((8,), name="x")
    x = keras.layers.Dense(8, name="one")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dense(4, name="two")(keras.layers.ReLU(name="act")(x))
    model = keras.Model(inputs, x)
    for choices in ({}, {"equalize": True}):
        found = tflq.sensitivity(model, data, scheme="w4a8", **choices)
        for name in found.order:
            report = tflq.export(
                model,
                tmp_path / "x.tflite",
                data=data,
                scheme="w4a8",
                scheme_for={name: "float32"},
                equalize=True,
            )
            assert report.facts.float_ops


def test_a_metric_of_ones_own_decides_the_order(data):
    def negative(outputs, reference, labels):
        assert outputs[0].shape == reference[0].shape == (32, 5)
        return float(-np.abs(outputs[0] - reference[0]).max())

    found = tflq.sensitivity(network(), data, metric=negative)
    values = [layer.value for layer in found.layers]
    assert values == sorted(values)
    assert "negative" in str(found)


def test_a_metric_that_fails_names_its_layer_and_the_rest_goes_on(data):
    calls = []

    def fickle(outputs, reference, labels):
        calls.append(0)
        return float("nan") if len(calls) == 2 else 1.0

    found = tflq.sensitivity(network(), data, metric=fickle)
    assert [layer.value for layer in found.layers].count(None) == 1
    assert "metric fickle returned nan" in str(found)


def test_top1_takes_labels(data, tmp_path):
    model = network()
    labels = model.predict(data, verbose=0).argmax(-1)
    np.save(tmp_path / "labels.npy", labels)
    found = tflq.sensitivity(
        model, data, metric="top1", verify_data=data, labels=tmp_path / "labels.npy"
    )
    assert all(0 < layer.value <= 100 for layer in found.layers)
    assert found.layers[-1].value > 95
    with pytest.raises(UserError, match="labels has 100 entries for 32 samples"):
        tflq.sensitivity(model, data, metric="top1", verify_data=data[:32], labels=labels)
    with pytest.raises(UserError, match="labels are the answers to verify_data"):
        tflq.sensitivity(model, data, metric="top1", labels=labels)
    with pytest.raises(UserError, match="needs the right answers"):
        tflq.sensitivity(model, data, metric="top1")


def test_a_generator_is_enough(data):
    assert tflq.sensitivity(network(), (row for row in data)).samples == 32


def test_json_and_picture(data, tmp_path):
    found = tflq.sensitivity(network(), data)
    assert json.loads(found.to_json())["layers"][0]["layer"] == found.layers[0].layer
    found.plot(tmp_path / "layers.png")
    assert (tmp_path / "layers.png").read_bytes().startswith(b"\x89PNG")


def test_what_was_measured_is_not_measured_again(data, tmp_path, monkeypatch):
    first = tflq.sensitivity(network(), data, folder=tmp_path)
    rows = (tmp_path / "sensitivity.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "sensitivity.jsonl").write_text("".join(rows[:2]) + rows[2][:20])
    second = tflq.sensitivity(network(), data, folder=tmp_path)
    assert second.layers == first.layers
    assert len(read_rows(tmp_path / "sensitivity.jsonl")) == len(rows)
    # Other choices are another measurement.
    tflq.sensitivity(network(), data, folder=tmp_path, scheme="w4a8")
    assert len(read_rows(tmp_path / "sensitivity.jsonl")) == 2 * len(rows)


_KILLED = """
import sys, os, signal, numpy as np
sys.path.insert(0, {tests!r})
import tflq._sensitivity as verb
from test_sensitivity import network
append = verb.append_row
def then_die(file, row):
    append(file, row)
    if len(verb.read_rows(file)) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
verb.append_row = then_die
data = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
verb.sensitivity(network(), data, folder=sys.argv[1])
"""


def test_killed_it_goes_on(data, tmp_path):
    script = _KILLED.format(tests=str(Path(__file__).parent))
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -9
    kept = read_rows(tmp_path / "sensitivity.jsonl")
    assert len(kept) == 2
    found = tflq.sensitivity(network(), data, folder=tmp_path)
    assert read_rows(tmp_path / "sensitivity.jsonl")[:2] == kept
    assert len(read_rows(tmp_path / "sensitivity.jsonl")) == len(found.layers)


def test_data_is_needed():
    with pytest.raises(UserError, match="data is missing"):
        tflq.sensitivity(network(), None)


def test_the_command_line(data, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network().save("net.keras")
    np.save("data.npy", data)
    flags = [
        "--data=data.npy",
        "--scheme=w4a8",
        "--folder=kept",
        "--json=x.json",
        "--picture=x.png",
    ]
    assert main(["sensitivity", "net.keras", *flags]) == 0
    assert capsys.readouterr().out.count("FULLY_CONNECTED") == 3
    assert json.loads(Path("x.json").read_text())["layers"][0]["layer"] == "middle"
    assert Path("x.png").is_file()
    assert len(read_rows(Path("kept/sensitivity.jsonl"))) == 4
    assert main(["sensitivity", "net.keras"]) == 2
    assert "--data is missing" in capsys.readouterr().err
    with locked("kept", "sensitivity"):
        assert main(["sensitivity", "net.keras", *flags]) == 2
    assert "in use by another sensitivity" in capsys.readouterr().err


@pytest.mark.parametrize("effect", [None, [], {"layer": 1}, {"layer": "a", "unknown": 2}])
def test_a_row_that_cannot_be_costs_its_layer(tmp_path, effect):
    class Layers:
        def measure(self, done):
            assert not done
            yield from ()

    append_row(tmp_path / "rows.jsonl", {"of": "this", "effect": effect})
    assert not list(_resumed(Layers(), tmp_path / "rows.jsonl", "this"))
