"""Every network exports; what stays float or cannot hold its range is named."""

import networks
import pytest
from converter import converter_int8

import tflq

# Ops that have no int8 kernel, or none that TensorFlow's quantizer writes.
FLOAT_OPS = {
    "loop_lstm": {"WHILE"},
    "loop_gru": {"WHILE"},
}


def _export(name, model, data, tmp_path):
    report = tflq.export(model, tmp_path / f"{name}.tflite", data=data, verify_data=data)
    kinds = {op.split(" ")[0] for op in report.facts.float_ops}
    assert kinds == FLOAT_OPS.get(name, set())
    for deviation in report.deviations:
        # ConvNeXt's first LayerNormalization has a mean of 1e-7.
        allowed = ("stayed float", "the tensor was merged") if kinds else ("narrower than 1e-06",)
        assert deviation.rule.startswith(allowed), deviation
    assert bool(report.facts.conversions) == bool(kinds)
    return report


@pytest.mark.parametrize("name", networks.ODD)
def test_odd_networks(name, tmp_path):
    model, data = networks.ODD[name]()
    report = _export(name, model, data, tmp_path)
    assert report.conversion_error < 1e-5
    for output in report.outputs:
        # LayerNormalization in int8 is what it is.
        assert output.sqnr_db > (8 if name == "transformer" else 22), output


# Random weights amplify noise from layer to layer, most of all without residual paths: the
# converter's own int8 InceptionV3 with these weights reaches 0.4 dB.
@pytest.mark.parametrize("name", networks.APPLICATIONS)
def test_keras_applications(name, tmp_path):
    model, data = networks.application(name)
    report = _export(name, model, data, tmp_path)
    assert report.conversion_error < 1e-3
    assert report.float_size > 3 * report.facts.size
    (output,) = report.outputs
    assert output.cosine > 0.5, output


@pytest.mark.parametrize("name", ["MobileNet", "ResNet50"])
def test_as_good_as_the_converters_own(name, tmp_path):
    model, data = networks.application(name)
    report = tflq.export(
        model,
        tmp_path / "ours.tflite",
        data=data,
        verify_data=data,
        calibrator="minmax",
        weight_calibrator="minmax",
    )
    (tmp_path / "theirs.tflite").write_bytes(converter_int8(model, data))
    theirs = tflq.compare(model, tmp_path / "theirs.tflite", data)
    assert report.outputs[0].sqnr_db > theirs.outputs[0].sqnr_db - 2
    ours = tflq.inspect(tmp_path / "ours.tflite").facts.ops
    # The converter leaves the batch open, which needs arithmetic on shapes at run time.
    shapes = ("SHAPE", "STRIDED_SLICE", "PACK")
    theirs_ops = tflq.inspect(tmp_path / "theirs.tflite").facts.ops
    assert ours == {kind: n for kind, n in theirs_ops.items() if kind not in shapes}
