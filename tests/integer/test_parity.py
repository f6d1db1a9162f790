import json

import networks
import numpy as np
import ops
import pytest

import tflq
from tflq.integer import parity


def test_every_op_and_the_whole_network(integer_file, small_cnn):
    _, data = small_cnn
    found = parity(integer_file, data)
    assert found.samples == len(data)
    assert found.identical == 1.0
    assert list(found.outputs.values()) == [1.0]
    assert {op.kind for op in found.ops} == set(found.exact)
    assert {"CONV_2D", "ADD", "MEAN", "SOFTMAX"} <= set(found.exact)
    assert found.approximate == {}


def test_it_prints_and_serializes(integer_file, small_cnn):
    _, data = small_cnn
    found = parity(integer_file, data[:2])
    text = str(found)
    assert "DEPTHWISE_CONV_2D" in text
    assert "100 %" in text
    assert "Approximated" not in text
    assert json.loads(found.to_json())["samples"] == 2


def test_approximate_ops_are_named(tmp_path):
    model, data = networks.small_cnn()
    content = ops.exported(model, data, tmp_path, scheme="w8a16")
    found = parity(content, data)
    assert "CONV_2D" in found.approximate
    assert "CONV_2D" not in found.exact
    assert "Approximated" in str(found)
    assert all(op.exact or op.largest < 5 for op in found.ops)


def test_several_inputs(tmp_path):
    model, data = networks.two_by_two()
    found = parity(ops.exported(model, data, tmp_path), data)
    assert set(found.outputs) == {"kind", "age"}
    assert set(found.outputs.values()) == {1.0}


def test_data_that_does_not_fit(integer_file):
    with pytest.raises(tflq.UserError):
        parity(integer_file, np.zeros((3, 5, 5, 3), np.float32))
