import json

import keras
import networks
import numpy as np
import pytest

import tflq
from tflq import UserError


def test_a_file_against_its_model(small_cnn, integer_file):
    model, data = small_cnn
    comparison = tflq.compare(model, integer_file, data)
    (output,) = comparison.outputs
    assert output.name == "probabilities" and output.samples == len(data)
    assert 20 < output.sqnr_db < 80
    assert "top-1 agreement" in str(comparison) and "XNNPACK takes" in str(comparison)
    assert comparison.candidate_facts.float_ops == () != comparison.reference_facts.float_ops
    assert json.loads(comparison.to_json())["outputs"][0]["samples"] == len(data)


def test_inputs_are_matched_by_place_whatever_their_names(tmp_path):
    model, data = networks.two_by_two()
    path = tmp_path / "float.tflite"
    from tflq._source import open_model

    path.write_bytes(open_model(model).tflite)
    outputs = tflq.compare(model, path, data).outputs
    assert [o.name for o in outputs] == ["kind", "age"]
    assert all(o.sqnr_db > 100 for o in outputs)


def test_a_model_equals_itself(small_cnn, float_file):
    (output,) = tflq.compare(float_file, float_file, small_cnn[1]).outputs
    assert output.sqnr_db == float("inf")


def test_outputs_of_different_sizes_are_refused():
    first, second = (
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)]) for units in (2, 3)
    )
    with pytest.raises(UserError, match=r"'output' has shape \(1, 2\) .* \(1, 3\) in the other"):
        tflq.compare(first, second, np.ones((2, 4), np.float32))


@pytest.mark.parametrize(
    ("shape", "units", "message"),
    [((5,), 2, "take different inputs"), ((4,), None, "has 1 output")],
)
def test_models_of_different_networks_are_refused(shape, units, message):
    x = keras.Input((4,), name="x")
    one = keras.Model(x, keras.layers.Dense(2)(x))
    y = keras.Input(shape, name="x")
    dense = keras.layers.Dense(units or 2)
    other = keras.Model(y, dense(y) if units else [dense(y), y])
    with pytest.raises(UserError, match=message):
        tflq.compare(one, other, np.ones((2, 4), np.float32))
