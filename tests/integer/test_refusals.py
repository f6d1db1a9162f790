import networks
import numpy as np
import ops
import pytest
from ops import T

import tflq
from tflq import UserError
from tflq.integer import integer_simulation, parity, simulate


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"none\.tflite.*does not exist"):
        simulate(tmp_path / "none.tflite", np.zeros((1, 4)))


def test_something_else():
    with pytest.raises(UserError, match="file is a list"):
        simulate([1], np.zeros((1, 4)))


def test_a_damaged_file(integer_file):
    content = integer_file.read_bytes()
    with pytest.raises(UserError, match="damaged"):
        integer_simulation(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged"):
        simulate(b"no file at all, only some bytes", np.zeros((1, 4)))


def test_a_float_file(float_file):
    with pytest.raises(UserError, match="float32 throughout"):
        integer_simulation(float_file)


def test_an_op_without_a_kernel(tmp_path):
    model, data = networks.looped_sequence("LSTM")
    content = ops.exported(model, data, tmp_path)
    path = tmp_path / "loop.tflite"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"loop\.tflite.* has WHILE .*cannot be simulated"):
        integer_simulation(path)


def test_a_file_that_stops_the_runtime(integer_file, tmp_path):
    from tflq.tflite_side._file import pack, parse

    model = parse(integer_file.read_bytes(), name="it")
    model.subgraphs[0].operators[0].inputs = model.subgraphs[0].operators[0].inputs[:1]
    path = tmp_path / "broken.tflite"
    path.write_bytes(pack(model))
    with pytest.raises(UserError, match=r"broken\.tflite.*(crashes|does not run)"):
        integer_simulation(path)


def test_an_activation_that_is_no_clamp():
    x = T((1, 4), scale=0.1)
    options = ops.options("AddOptions", fusedActivationFunction=4)
    content = ops.file("ADD", [x, x], [T((1, 4), scale=0.1)], options)
    with pytest.raises(UserError, match=r"ADD .*cannot be simulated|LiteRT runtime cannot"):
        integer_simulation(content)


def test_a_fixed_batch():
    x = T((2, 4), scale=0.1)
    content = ops.file("RELU", [x], [T((2, 4), scale=0.1)])
    with pytest.raises(UserError, match="batch of 1"):
        simulate(content, np.zeros((2, 4), np.int8))


@pytest.mark.parametrize(
    "x, reason",
    [
        (np.zeros((3, 16, 16)), "shape"),
        (np.zeros(()), "shape"),
        (np.zeros((0, 16, 16, 3)), "0 samples"),
        (np.full((1, 16, 16, 3), "a"), "dtype"),
        ({"photo": np.zeros((1, 16, 16, 3))}, "the file's are image"),
    ],
)
def test_samples_that_do_not_fit(integer_file, x, reason):
    with pytest.raises(UserError, match=reason):
        simulate(integer_file, x)


def test_several_inputs_need_names(tmp_path):
    model, data = networks.two_by_two()
    content = ops.exported(model, data, tmp_path)
    with pytest.raises(UserError, match="2 inputs"):
        simulate(content, data["facts"])
    with pytest.raises(UserError, match="same number"):
        simulate(content, {**data, "facts": data["facts"][:3]})


def test_names_are_public():
    assert tflq.simulate is simulate
    assert tflq.parity is parity
