"""Every mistake ends in one clear sentence, and nothing half-written."""

import errno
import os

import keras
import networks
import numpy as np
import pytest
from keras import layers

import tflq
from tflq import UserError


@pytest.fixture
def output(tmp_path):
    """An output that exists already and must survive."""
    path = tmp_path / "out" / "model.tflite"
    path.parent.mkdir()
    path.write_bytes(b"precious")
    return path


def _refused(message, output, *arguments, **choices):
    with pytest.raises(UserError, match=message) as caught:
        tflq.export(*arguments, output, **choices)
    assert "\n" not in str(caught.value)
    assert output.read_bytes() == b"precious"
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"scheme": "w9"}, "scheme='w9' is unknown; choose one of: w8a8"),
        ({"calibrator": "best"}, "'best'.*minmax"),
        ({"calibrator_for": {"logits": "best"}}, "'best'.*minmax"),
        ({"calibrator_for": {"no_such": "kl"}}, "'no_such' matches no activation"),
        ({"weight_calibrator": "kl"}, "weight_calibrator='kl' is unknown"),
        ({"io": "int4"}, "io='int4' is unknown"),
        ({"scheme": "dynamic", "io": "int8"}, "does not go with scheme='dynamic'"),
        ({"data": None}, "needs a representative dataset; give data="),
    ],
)
def test_choices(choices, message, output, small_cnn):
    model, data = small_cnn
    _refused(message, output, model, **({"data": data} | choices))


def _with(data, index, value):
    changed = data.copy()
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d[:0], "data.*no sample"),
        (lambda d: _with(d, (3, 0, 2, 1), np.nan), "sample 3 .*'image'.*NaN"),
        (lambda d: _with(d, (5, 0, 2, 1), np.inf), "sample 5 .*'image'.*inf"),
        (lambda d: d[:, :8], r"'image'.*\(8, 16, 3\).*\(16, 16, 3\)"),
        (lambda d: {"picture": d}, "'picture'.*'image'"),
        (lambda d: d.astype(str), "'image'|data"),
        (lambda d: 42, "data"),
    ],
)
def test_data(change, message, output, small_cnn):
    model, data = small_cnn
    _refused(message, output, model, data=change(data))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (object(), "model is a object; give a Keras 3"),
        ("missing.keras", "does not exist"),
        ("missing.tflite", "does not exist"),
        ("missing_folder", "does not exist"),
    ],
)
def test_models(model, message, output):
    _refused(message, output, model, data=networks.noise(4))


def test_a_quantized_file_is_refused(output, integer_file, small_cnn):
    _refused("quantized already", output, integer_file, data=small_cnn[1])


def test_a_truncated_file_is_refused(output, float_file, small_cnn, tmp_path):
    damaged = tmp_path / "cut.tflite"
    damaged.write_bytes(float_file.read_bytes()[:1000])
    _refused(r"cut\.tflite.*damaged", output, damaged, data=small_cnn[1])


def test_a_weight_that_is_not_finite_is_named(output):
    model, data = networks.small_cnn()
    kernel, bias = model.get_layer("logits").get_weights()
    kernel[0, 0] = np.nan
    model.get_layer("logits").set_weights([kernel, bias])
    _refused(r"weight '.*logits.*NaN", output, model, data=data)


def test_an_activation_that_is_not_finite_is_named(output):
    x = keras.Input((3,), name="x")
    y = layers.Dense(2, name="big", kernel_initializer="ones")(x)
    y = layers.Lambda(lambda t: keras.ops.exp(t), name="blow_up", output_shape=(2,))(y)
    y = layers.Dense(2, name="after")(y)
    data = np.ones((20, 3), np.float32)
    data[7] = 100
    _refused(r"blow_up.*sample 7", output, keras.Model(x, y), data=data)


def test_unwritable_and_missing_folders(small_cnn, tmp_path):
    model, data = small_cnn
    with pytest.raises(UserError, match=r"folder '.*nowhere' of the output does not exist"):
        tflq.export(model, tmp_path / "nowhere" / "m.tflite", data=data)
    with pytest.raises(UserError, match="is a folder; give the name of a file"):
        tflq.export(model, tmp_path, data=data)


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_full_disk_leaves_the_output_alone(where, output, small_cnn, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    model, data = small_cnn
    if where == "fsync":
        monkeypatch.setattr("tflq._files.os.fsync", full)
    else:
        monkeypatch.setattr("tflq._files.Path.replace", full)
    _refused("could not be written: No space left on device", output, model, data=data)


@pytest.mark.parametrize("moment", ["_verify.measure_fidelity", "_files.os.fsync"])
def test_ctrl_c_leaves_the_output_alone(moment, output, small_cnn, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    model, data = small_cnn
    target = "tflq._candidate.measure_fidelity" if "measure" in moment else f"tflq.{moment}"
    monkeypatch.setattr(target, stop)
    with pytest.raises(KeyboardInterrupt):
        tflq.export(model, output, data=data)
    assert output.read_bytes() == b"precious"
    assert list(output.parent.iterdir()) == [output]


def test_a_wrong_float_file_is_never_quantized(output, monkeypatch):
    from tflq import ConversionError
    from tflq.keras_side import _convert

    def wrong(forward, inputs):
        return traced(lambda *tensors: [t * 1.01 for t in forward(*tensors)], inputs)

    traced = _convert.traced
    monkeypatch.setattr(_convert, "traced", wrong)
    model, data = networks.small_cnn()
    with pytest.raises(ConversionError, match="does not compute what the model does"):
        tflq.export(model, output, data=data)
    assert output.read_bytes() == b"precious"


def _tiny(outputs):
    x = keras.Input((4,), name="x")
    return keras.Model(x, outputs(x))


@pytest.mark.parametrize(
    ("values", "outputs"),
    [
        ("constant", lambda x: layers.Dense(3)(x)),
        ("zeros", lambda x: layers.Dense(3, kernel_initializer="zeros")(x)),
        ("negative", lambda x: layers.Dense(3, kernel_initializer="ones")(x)),
        ("tiny", lambda x: layers.Dense(3)(x)),
    ],
)
@pytest.mark.parametrize("calibrator", ["minmax", "moving_average", "percentile", "mse", "kl"])
def test_odd_values_export(values, outputs, calibrator, tmp_path):
    rng = np.random.default_rng(0)
    data = {
        "constant": np.full((20, 4), 3.0),
        "zeros": np.zeros((20, 4)),
        "negative": -1 - rng.random((20, 4)),
        "tiny": rng.normal(size=(20, 4)) * 1e-7,
    }[values].astype(np.float32)
    report = tflq.export(_tiny(outputs), tmp_path / "m", data=data, calibrator=calibrator)
    (output,) = report.outputs
    assert output.largest_error <= 0.05 * max(1e-3, np.abs(data).max() * 4)
