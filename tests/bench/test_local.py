"""Measuring on this machine; nothing here depends on how fast it is."""

import keras
import numpy as np
import pytest

import tflq
from tflq import UserError
from tflq.bench import profile_ops
from tflq.bench._fresh import measure_start
from tflq.bench._model import open_models
from tflq.tflite_side import Graph, cut_op

QUICK = {"rounds": 3, "seconds": 0.01}


def test_a_model_beside_its_float_file(files):
    integer, floating = files
    result = tflq.benchmark(
        integer, compare=floating, backend=["xnnpack", "reference"], threads=[1, 2], **QUICK
    )
    assert len(result.measurements) == 8 and len(result.comparisons) == 4
    for m in result.measurements:
        assert m.error is None and m.latency.count >= 15 and m.peak_memory > 0
        assert m.initialisation_ms > 0 and m.first_ms > 0
        assert (m.identical is None) is (m.model == str(floating))
        assert m.delegated == (m.ops if m.backend == "xnnpack" else 0)
    for m in result.measurements[:4]:
        assert m.backend != "xnnpack" or m.identical == 1.0
    assert {c.baseline for c in result.comparisons} == {str(floating)}
    assert result.devices["local"]["runtime"].startswith("LiteRT 2")


def test_samples_of_the_users_are_run_on(files):
    data = np.zeros((7, 8, 8, 3), np.float32)
    (model,) = open_models([files[0]], data)
    (zero,) = np.unique([sample[0] for sample in model.inputs])
    graph = Graph.from_bytes(model.content)
    assert zero == graph.tensors[graph.inputs[0]].quantization.zero_point[0]
    assert len(model.inputs) == len(model.expected) == 4


def test_samples_of_another_size_are_refused(files):
    with pytest.raises(UserError, match="shape"):
        tflq.benchmark(files[0], data=np.zeros((2, 9, 9, 3), np.float32), **QUICK)


def test_a_file_whose_open_sizes_do_not_run_as_they_are_stored_is_refused(tmp_path):
    image = keras.Input((None, None, 3), name="image")
    model = keras.Model(image, keras.layers.Conv2D(2, 3)(image))
    data = np.zeros((10, 9, 9, 3), np.float32)
    tflq.export(model, tmp_path / "open.tflite", data=data)
    with pytest.raises(UserError, match=r"sizes open \(input 'image'.*fixed sizes"):
        tflq.benchmark(tmp_path / "open.tflite", data=data, **QUICK)


def test_made_up_inputs_fit_every_dtype(tmp_path):
    tokens = keras.Input((5,), dtype="int32", name="tokens")
    number = keras.Input((2,), name="number")
    x = keras.layers.Flatten()(keras.layers.Embedding(2, 3)(tokens))
    made = keras.Model([tokens, number], keras.layers.Concatenate()([x, number]))
    path = tmp_path / "it.tflite"
    data = {"tokens": np.zeros((3, 5), np.int32), "number": np.ones((3, 2), np.float32)}
    tflq.export(made, path, data=data)
    (measured,) = tflq.benchmark(path, **QUICK).measurements
    assert measured.error is None


def test_time_by_op(files):
    (model,) = open_models([files[0]])
    rows = profile_ops(model, backend="xnnpack")
    assert {row.kind for row in rows} == {"CONV_2D", "MEAN", "FULLY_CONNECTED"}
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert [row.ms for row in rows] == sorted((row.ms for row in rows), reverse=True)


def test_an_op_cut_out_computes_what_it_did(files):
    """The chain of all ops, each in a file of its own, is the file."""
    from tflq.bench._session import Session

    (model,) = open_models([files[0]])
    graph = Graph.from_bytes(model.content)
    (x,) = model.inputs[0]
    for op in graph.ops:
        (x,) = Session(cut_op(graph, op), backend="xnnpack", threads=1).run([x])
    np.testing.assert_array_equal(x, model.expected[0][0])


def test_a_model_that_does_not_run_alone(tmp_path):
    path = tmp_path / "no.tflite"
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match="does not run on backend"):
        measure_start(str(path), backend="xnnpack", threads=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "npu"}, "backend 'npu' is unknown"),
        ({"backend": "gpu"}, "not here but on phones"),
        ({"threads": 0}, "threads=0"),
        ({"threads": []}, "threads="),
        ({"rounds": 0}, "rounds=0"),
        ({"seconds": 0}, "seconds=0"),
        ({"energy": True}, "for phones"),
        ({"runner": "/a"}, "for phones"),
        ({"models": []}, "is empty"),
        ({"models": ["gone.tflite"]}, "does not exist"),
    ],
)
def test_what_cannot_be_measured(options, message, files):
    with pytest.raises(UserError, match=message):
        tflq.benchmark(**({"models": files[0]} | options))


def test_the_same_file_twice(files):
    with pytest.raises(UserError, match="given twice"):
        tflq.benchmark(files[0], compare=files[0], **QUICK)
