import json

import keras
import networks
import numpy as np
import pytest

import tflq
from tflq import UserError
from tflq._lock import locked
from tflq.ranges import _registry
from tflq.tflite_side import Graph


@pytest.mark.parametrize("calibrator", ["minmax", "moving_average", "percentile", "mse", "kl"])
@pytest.mark.parametrize("weights", ["minmax", "mse", "output_mse"])
def test_every_calibrator_gives_a_file_that_holds_its_ranges(
    calibrator, weights, small_cnn, tmp_path
):
    model, data = small_cnn
    report = tflq.export(
        model,
        tmp_path / "m.tflite",
        data=data,
        verify_data=data,
        calibrator=calibrator,
        weight_calibrator=weights,
    )
    assert report.deviations == () and report.ranges_asked > 10
    assert report.outputs[0].sqnr_db > 20
    assert report.verification == "given" and report.calibration_samples == len(data)


@pytest.mark.parametrize("scheme", ["w8", "dynamic"])
def test_weight_only_schemes_need_no_data(scheme, small_cnn, tmp_path):
    model, data = small_cnn
    report = tflq.export(model, tmp_path / "m.tflite", scheme=scheme)
    assert report.outputs == () and report.deviations == ()
    (output,) = tflq.compare(model, tmp_path / "m.tflite", data).outputs
    assert output.sqnr_db > 25
    held = tflq.inspect(tmp_path / "m.tflite").tensors
    assert "int8" in {t.dtype for t in held if t.constant}
    assert "int8" not in {t.dtype for t in held if not t.constant}


def test_weight_bounds_reach_weight_only_files(small_cnn, tmp_path):
    model, data = small_cnn
    report = tflq.export(
        model, tmp_path / "m", scheme="w8", weight_calibrator="mse", verify_data=data
    )
    assert report.deviations == ()


def test_per_tensor_weights_have_one_scale(small_cnn, tmp_path):
    model, data = small_cnn
    tflq.export(model, tmp_path / "m.tflite", data=data, scheme="w8a8-per-tensor")
    weights = [t for t in tflq.inspect(tmp_path / "m.tflite").tensors if len(t.shape) == 4]
    assert {t.scales for t in weights if t.constant} == {1}


def test_one_layer_may_have_its_own_calibrator(small_cnn, tmp_path, monkeypatch):
    model, data = small_cnn
    monkeypatch.setattr(_registry, "_CALIBRATORS", dict(_registry._CALIBRATORS))

    @tflq.register_calibrator("test_three")
    def three(histogram, *, bits):
        return 0.0, 3.0

    report = tflq.export(
        model,
        tmp_path / "m.tflite",
        data=data,
        calibrator="minmax",
        calibrator_for={"stem_*": "test_three"},
    )
    assert report.ranges["stem_relu"] == (0.0, 3.0)
    assert report.ranges["dw_relu"] != (0.0, 3.0)
    assert report.deviations == ()


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_io(io, small_cnn, tmp_path):
    model, data = small_cnn
    report = tflq.export(model, tmp_path / "m.tflite", data=data, io=io)
    assert report.recipe.io == io
    assert tflq.compare(model, tmp_path / "m.tflite", data).outputs[0].sqnr_db > 20


def test_inputs_and_outputs_have_a_dtype_each(small_cnn, tmp_path):
    model, data = small_cnn
    io = {"input": "uint8", "output": "float32"}
    report = tflq.export(model, tmp_path / "q.tflite", data=data, io=io)
    assert json.loads(report.to_json())["recipe"]["io"] == io
    graph = Graph.from_bytes((tmp_path / "q.tflite").read_bytes())
    assert [graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)] == ["uint8", "float32"]


def test_io_of_what_the_model_lacks_is_refused_before_calibration(tmp_path):
    ids = keras.Input((3,), dtype="int32", name="ids")
    model = keras.Model(ids, keras.layers.Dense(2)(keras.layers.Embedding(9, 4)(ids)))

    def unread():
        raise AssertionError("data is read")
        yield

    for io, text in (
        ({"image": "uint8"}, "names 'image'; the model has the inputs ids"),
        ({"ids": "uint8"}, "gives input 'ids' a dtype, and it takes int32"),
    ):
        with pytest.raises(tflq.UserError, match=text):
            tflq.export(model, tmp_path / "q.tflite", data=unread, io=io)


def test_an_open_batch_stays_open(small_cnn, tmp_path):
    from tflq.tflite_side import Runner

    model, data = small_cnn
    tflq.export(model, tmp_path / "m.tflite", data=data, batch_size=None)
    runner = Runner((tmp_path / "m.tflite").read_bytes())
    assert runner.inputs[0].shape[0] is None
    assert runner.run({runner.inputs[0].name: data[:5]})[0].shape == (5, 10)


def test_a_fixed_batch_is_filled_from_the_data(small_cnn, tmp_path):
    model, data = small_cnn
    report = tflq.export(model, tmp_path / "m.tflite", data=data, batch_size=4)
    assert report.calibration_samples == 12
    assert report.outputs[0].sqnr_db > 20


def test_data_may_be_a_one_shot_generator(small_cnn, tmp_path):
    model, data = small_cnn
    report = tflq.export(model, tmp_path / "m.tflite", data=(sample for sample in data))
    assert report.calibration_samples == 11 and report.outputs[0].samples == 1


def test_the_report_prints_and_dumps(small_cnn, tmp_path):
    model, data = small_cnn
    report = tflq.export(model, tmp_path / "m.tflite", data=data)
    printed = str(report)
    for part in ("w8a8", "SQNR", "ranges", "XNNPACK takes", "float islands"):
        assert part in printed
    dumped = json.loads(report.to_json())
    assert dumped["facts"]["size"] == (tmp_path / "m.tflite").stat().st_size
    assert dumped["ranges"]["image"][0] < 0 < dumped["ranges"]["image"][1]


def test_signature_names_are_the_models(tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    model, data = networks.two_by_two()
    tflq.export(model, tmp_path / "m.tflite", data=data)
    runner = Interpreter(str(tmp_path / "m.tflite")).get_signature_runner("serving_default")
    assert set(runner.get_input_details()) == {"picture", "facts"}
    assert set(runner.get_output_details()) == {"kind", "age"}


def test_clipping_never_touches_the_logits(small_cnn, tmp_path):
    model, data = small_cnn
    wide = tflq.export(model, tmp_path / "a", data=data, calibrator="minmax").ranges
    report = tflq.export(model, tmp_path / "b", data=data, calibrator="percentile")
    assert report.ranges["logits"] == wide["logits"]
    np.testing.assert_allclose(report.ranges["probabilities"], (0, 255 / 256))


@pytest.mark.parametrize("rounding", ["least_squares", "adaround"])
def test_rounding_is_learned_for_a_file_by_one_program_at_a_time(tmp_path, rounding):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
    data = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    refused = pytest.raises(UserError, match=r"x.tflite.rounding' is in use by another export")
    with locked(tmp_path / ".x.tflite.rounding", "export"), refused:
        tflq.export(model, tmp_path / "x.tflite", data=data, rounding=rounding)
    assert not (tmp_path / "x.tflite").exists()
    tflq.export(model, tmp_path / "x.tflite", data=data, rounding=rounding)
    assert [path.name for path in tmp_path.iterdir()] == ["x.tflite"]
