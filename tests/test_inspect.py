import json

import pytest

import tflq
from tflq import UserError


def test_an_integer_file(integer_file):
    inspection = tflq.inspect(integer_file)
    by_name = {t.name: t for t in inspection.tensors}
    assert by_name["probabilities"].dtype == "int8"
    image = by_name["image"]
    assert image.dtype == "int8" and image.scales == 1 and not image.constant
    low, high = image.range
    assert high - low == pytest.approx(255 * image.scale[0])
    weights = next(t for t in inspection.tensors if t.shape == (8, 3, 3, 3))
    assert weights.constant and weights.scales == 8 and weights.zero_point == (0, 0)
    assert inspection.facts.ops["CONV_2D"] == 2
    assert inspection.facts.size == integer_file.stat().st_size


def test_a_float_file_has_no_scales(float_file):
    inspection = tflq.inspect(float_file)
    assert all(t.scale is None and t.range is None for t in inspection.tensors)
    assert inspection.facts.float_ops


def test_it_prints_and_dumps(integer_file):
    inspection = tflq.inspect(integer_file)
    assert "zero point" in str(inspection) and "XNNPACK takes" in str(inspection)
    assert json.loads(inspection.to_json())["tensors"][0]["dtype"] == "int8"


def test_what_is_no_tflite_is_refused(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="is not a"):
        tflq.inspect(tmp_path / "a.tflite")
