import os
import random

import builders
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tflq import UserError, compare, export, inspect
from tflq.tflite_side import probe


def test_a_sound_file_passes(float_file):
    probe(float_file)


def test_damaged_files_are_refused_and_never_crash_us(float_file, tmp_path):
    content = float_file.read_bytes()
    rng = random.Random(0)
    refused = 0
    for attempt in range(12):
        damaged = bytearray(content)
        # Behind the header and across the tables, where it hurts.
        for _ in range(20):
            damaged[rng.randrange(8, len(content))] = rng.randrange(256)
        path = tmp_path / f"damaged_{attempt}.tflite"
        path.write_bytes(damaged)
        try:
            inspect(path)
        except UserError as error:
            assert os.fspath(path) in str(error)
            refused += 1
    assert refused >= 3


def test_a_crash_is_told_from_a_refusal(float_file):
    with pytest.raises(UserError, match=r"crashes the LiteRT runtime \(segmentation fault\)"):
        probe(float_file, builders.crashing(float_file.read_bytes()))


def test_a_hang_ends(monkeypatch, float_file):
    import tflq.apart._client
    import tflq.tflite_side._probe

    for module in (tflq.apart._client, tflq.tflite_side._probe):
        monkeypatch.setattr(module, "INFERENCE_SECONDS", 1)
    with pytest.raises(UserError, match="does not finish one inference in 1 s"):
        probe(float_file, builders.endless())


def _open_file(tmp_path, function):
    kernel = builders.weights(5, 5, 3, 4)
    path = tmp_path / "open.tflite"
    path.write_bytes(
        builders.tflite(lambda x: function(tf.nn.conv2d(x, kernel, 1, "VALID")), (1, None, None, 3))
    )
    return path


def test_a_file_of_open_sizes_needs_not_run_as_it_is_stored(tmp_path):
    path = _open_file(tmp_path, tf.nn.relu)
    with pytest.raises(RuntimeError):
        _invoked(path)
    probe(path)
    inspect(path)
    data = np.random.default_rng(0).random((40, 9, 12, 3), "float32")
    export(path, tmp_path / "q.tflite", data=data)
    assert compare(path, tmp_path / "q.tflite", data).outputs[0].sqnr_db > 30


def _invoked(path):
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    interpreter.invoke()


def test_data_that_open_sizes_do_not_fit_are_refused(tmp_path):
    path = _open_file(tmp_path, lambda x: tf.reshape(x, (1, -1)) @ builders.weights(16, 2))
    probe(path)
    data = np.random.default_rng(0).random((40, 6, 6, 3), "float32")
    export(path, tmp_path / "q.tflite", data=data)
    with pytest.raises(UserError, match="cannot run"):
        export(path, tmp_path / "q.tflite", data=data[:, :5])
    with pytest.raises(UserError, match="cannot run"):
        compare(path, tmp_path / "q.tflite", data[:, :5])


def test_a_model_of_texts_is_inspected_and_not_exported(tmp_path):
    path = tmp_path / "texts.tflite"
    path.write_bytes(builders.tflite(lambda x: tf.gather(x, [0, 1]), (4,), dtype=tf.string))
    assert "string" in {tensor.dtype for tensor in inspect(path).tensors}
    with pytest.raises(UserError, match="takes string as input 'x0', which is no array"):
        export(path, tmp_path / "q.tflite", data=np.ones((3, 4), np.float32))
