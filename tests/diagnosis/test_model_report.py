import json

import keras
import networks
import numpy as np
import pytest
from keras import layers

import tflq
from tflq import UserError


@pytest.fixture(scope="module")
def whole(small_cnn, tmp_path_factory):
    """A report with everything, and its folder."""
    model, data = small_cnn
    folder = tmp_path_factory.mktemp("report")
    report = tflq.report(
        model,
        folder / "page.html",
        data=data,
        verify_data=data,
        tflite=folder / "model.tflite",
        scheme="w4a8",
        equalize=True,
    )
    return report, folder


def test_the_file_is_that_of_an_export_with_the_same_choices(whole, small_cnn):
    report, folder = whole
    model, data = small_cnn
    exported = tflq.export(
        model, folder / "other.tflite", data=data, verify_data=data, scheme="w4a8", equalize=True
    )
    assert (folder / "model.tflite").read_bytes() == (folder / "other.tflite").read_bytes()
    assert report.export.outputs == exported.outputs and report.export.steps == exported.steps


def test_layers_come_by_harm_and_are_those_of_sensitivity(whole, small_cnn):
    report, _ = whole
    model, data = small_cnn
    found = tflq.sensitivity(model, data, verify_data=data, scheme="w4a8", equalize=True)
    alone = {effect.layer: effect.sqnr_db for effect in found.layers}
    assert {layer.layer: layer.alone_db for layer in report.layers} == alone
    assert [layer.alone_db for layer in report.layers] == sorted(alone.values())
    assert sum(layer.share for layer in report.layers) == pytest.approx(1)


def test_what_has_piled_up_at_the_output_is_the_output_fidelity(whole):
    report, _ = whole
    last = next(layer for layer in report.layers if layer.layer == "probabilities")
    assert last.accumulated.sqnr_db == pytest.approx(report.export.outputs[0].sqnr_db, abs=1e-4)


def test_layers_know_their_file(whole):
    report, _ = whole
    stem = next(layer for layer in report.layers if layer.layer == "stem_relu")
    assert stem.stored.dtype == "int8" and stem.weights.scales == 8
    low, high = stem.activation.chosen
    scale, zero_point = stem.stored.scale, stem.stored.zero_point
    assert low == pytest.approx(scale * (-128 - zero_point), rel=1e-5)
    assert high == pytest.approx(scale * (127 - zero_point), rel=1e-5)
    assert len(stem.accumulated.bias) == 8 and len(stem.weights.lowest) == 8


def test_json_lies_beside_the_page(whole):
    report, folder = whole
    written = json.loads((folder / "page.json").read_text())
    assert written == json.loads(report.to_json())
    assert written["layers"][0]["layer"] == report.layers[0].layer


def test_ops_sizes_and_times(whole):
    report, folder = whole
    graph = tflq.inspect(folder / "model.tflite")
    assert [op.kind for op in report.ops].count("SOFTMAX") == 1
    assert sum(op.delegated for op in report.ops) == graph.facts.delegation.delegated
    assert 0 < sum(op.size for op in report.ops) < graph.facts.size
    assert all(op.milliseconds > 0 for op in report.ops)
    assert {op.layer for op in report.ops} >= {"stem_relu", "logits"}


def test_advice_is_what_an_export_takes(whole, small_cnn, tmp_path):
    report, _ = whole
    model, data = small_cnn
    assert report.advice
    arguments = [argument for advice in report.advice for argument in advice.arguments]
    for argument in arguments:
        given = {"scheme": "w4a8", "equalize": True} | eval(f"dict({argument.python})")
        exported = tflq.export(model, tmp_path / "m.tflite", data=data, **given)
        assert exported.outputs
        assert all(flag.startswith("--") for flag in argument.flags)


def test_printed_tables(whole):
    report, folder = whole
    printed = str(report)
    assert printed.startswith("The file") and "most harmful" in printed
    assert str(folder / "page.html") in printed


def test_pictures_of_the_worst_samples(whole):
    report, _ = whole
    assert len(report.worst) == 8
    assert all(sample.picture.startswith("data:image/png") for sample in report.worst)
    assert report.confusions[0].judged == networks.SAMPLES


@pytest.mark.parametrize("scheme", ["w8", "dynamic", "w8a16"])
@pytest.mark.parametrize("io", ["float32"])
def test_every_writer(scheme, io, small_cnn, tmp_path):
    model, data = small_cnn
    report = tflq.report(model, tmp_path / "p.html", data=data, scheme=scheme, io=io, latency=False)
    assert report.layers and all(op.milliseconds is None for op in report.ops)
    assert not list(tmp_path.glob("*.tflite"))


def test_float_islands_and_doors_in_float(small_cnn, tmp_path):
    model, data = small_cnn
    report = tflq.report(
        model,
        tmp_path / "p.html",
        data=data,
        io="float32",
        scheme_for={"dw_relu": "float32"},
        latency=False,
    )
    assert [op.role for op in report.ops].count("float") == 1
    assert [op.role for op in report.ops].count("conversion") == 4
    assert "dw_relu" not in {layer.layer for layer in report.layers}
    image = next(layer for layer in report.layers if layer.layer == "image")
    # The door is float, what enters behind it is not.
    assert image.stored.dtype == "int8" and np.isfinite(image.accumulated.sqnr_db)


def test_several_inputs_and_outputs_of_numbers(tmp_path):
    model, data = networks.two_by_two()
    report = tflq.report(model, tmp_path / "p.html", data=data, latency=False)
    assert len(report.worst[0].answers) == 2 and report.worst[0].numbers
    assert "kind" in (tmp_path / "p.html").read_text()


def test_a_trained_model_needs_no_data_but_samples_to_judge(tmp_path):
    model = keras.Sequential([keras.Input((8,), name="x"), layers.Dense(4, name="dense")])
    data = np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32)
    qat = tflq.quantize(model, data=data)
    report = tflq.report(qat, tmp_path / "p.html", verify_data=data, latency=False)
    assert {layer.layer for layer in report.layers} == {"x", "dense"}
    assert all(layer.activation is None for layer in report.layers)


def test_samples_may_be_a_stream_that_is_read_once(small_cnn, tmp_path):
    model, data = small_cnn
    report = tflq.report(
        model,
        tmp_path / "p.html",
        data=iter(list(data)),
        verify_data=iter(list(data)),
        latency=False,
    )
    assert report.samples == report.export.outputs[0].samples == len(data)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("p.html", {}, "a report needs samples"),
        ("p.json", {"data": np.ones(3)}, "ends in .html"),
        ("gone/p.html", {"data": np.ones(3)}, "does not exist"),
    ],
)
def test_mistakes_are_found_before_the_work(name, given, message, small_cnn, tmp_path):
    with pytest.raises(UserError, match=message):
        tflq.report(small_cnn[0], tmp_path / name, **given)
    assert list(tmp_path.iterdir()) == []


def test_the_extra_is_asked_for(small_cnn, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(UserError, match=r"pip install 'tflq\[report\]'"):
        tflq.report(small_cnn[0], tmp_path / "p.html", data=small_cnn[1])
