"""Every kind of source gives the same file."""

import re

import networks
import numpy as np
import pytest
import tf_keras

import tflq


@pytest.fixture(scope="module")
def folder(small_cnn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    model, _ = small_cnn
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    model.export(str(folder / "saved"), verbose=False)
    return folder


def _codes(path, data):
    from tflq.tflite_side import Runner

    runner = Runner(path.read_bytes())
    (spec,) = runner.inputs
    return np.concatenate([runner.codes({spec.name: x[None]})[0] for x in data])


@pytest.mark.parametrize("source", ["model.keras", "model.h5", "saved", "float.tflite"])
def test_files_and_folders(source, folder, small_cnn, float_file, tmp_path):
    model, data = small_cnn
    (folder / "float.tflite").write_bytes(float_file.read_bytes())
    tflq.export(model, tmp_path / "memory.tflite", data=data)
    report = tflq.export(folder / source, tmp_path / "disk.tflite", data=data)
    assert source in report.source
    first, second = (_codes(tmp_path / f"{n}.tflite", data) for n in ("memory", "disk"))
    assert np.abs(first.astype(int) - second).max() <= 1


def test_exporting_twice_gives_the_same_bytes(small_cnn, tmp_path):
    model, data = small_cnn
    for name in ("one", "two"):
        tflq.export(model, tmp_path / name, data=data)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_model_is_not_changed(tmp_path):
    model, data = networks.small_cnn()
    before = [w.copy() for w in model.get_weights()]
    tflq.export(model, tmp_path / "m.tflite", data=data)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_float_files_of_the_converter_with_float16_weights(small_cnn, tmp_path):
    import tensorflow as tf

    model, data = small_cnn
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    (tmp_path / "half.tflite").write_bytes(converter.convert())
    report = tflq.export(tmp_path / "half.tflite", tmp_path / "int8.tflite", data=data)
    assert report.deviations == () and report.outputs[0].sqnr_db > 25


@pytest.fixture(scope="module")
def trained_by_tfmot():
    import tensorflow_model_optimization as tfmot

    tf_keras.utils.set_random_seed(0)
    model = tf_keras.Sequential(
        [
            tf_keras.layers.Input((12, 12, 3)),
            tf_keras.layers.Conv2D(8, 3, use_bias=False),
            tf_keras.layers.BatchNormalization(),
            tf_keras.layers.ReLU(6.0),
            tf_keras.layers.DepthwiseConv2D(3),
            tf_keras.layers.ReLU(),
            tf_keras.layers.GlobalAveragePooling2D(),
            tf_keras.layers.Dense(5, name="logits"),
        ]
    )
    quantized = tfmot.quantization.keras.quantize_model(model)
    quantized.compile("adam", "mse")
    data = networks.noise(12, 12, 3)
    quantized.fit(data, np.ones((len(data), 5)), epochs=3, verbose=0)
    return quantized, data


def test_tfmot_models_keep_their_trained_ranges(trained_by_tfmot, tmp_path):
    model, data = trained_by_tfmot
    report = tflq.export(model, tmp_path / "qat.tflite", verify_data=data)
    assert report.calibration_samples == 0 and report.deviations == ()
    assert report.facts.float_ops == ()
    variables = {v.name: v.numpy() for v in model.variables}
    held = tflq.inspect(tmp_path / "qat.tflite").tensors
    inputs = next(t for t in held if not t.constant and len(t.shape) == 4 and t.shape[-1] == 3)
    # tfmot numbers its own layer by those that the process made before.
    low, high = (
        next(v for name, v in variables.items() if re.search(rf"^quantize_layer.*_{end}:0$", name))
        for end in ("min", "max")
    )
    assert inputs.scale[0] == pytest.approx((high - low) / 255, rel=1e-3)
    dense = next(t for t in held if t.constant and t.shape == (5, 8))
    bound = variables["quant_logits/kernel_max:0"]
    assert dense.scale[0] == pytest.approx(float(bound) / 127, rel=1e-3)


def test_tfmot_models_load_from_h5(trained_by_tfmot, tmp_path):
    model, data = trained_by_tfmot
    model.save(tmp_path / "qat.h5")
    report = tflq.export(tmp_path / "qat.h5", tmp_path / "qat.tflite", verify_data=data)
    assert report.deviations == ()


def test_tfmot_simulation_and_file_agree(trained_by_tfmot, tmp_path):
    model, data = trained_by_tfmot
    tflq.export(model, tmp_path / "qat.tflite")
    (output,) = tflq.compare(model, tmp_path / "qat.tflite", data).outputs
    logits = next(t for t in tflq.inspect(tmp_path / "qat.tflite").tensors if t.shape == (1, 5))
    assert output.largest_error <= 1.01 * logits.scale[0]
    exact = sum(1 for _, sqnr in output.worst if sqnr == float("inf"))
    assert exact >= 2
