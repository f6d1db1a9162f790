"""The runner of older runtimes, on files that they run, refuse and crash on."""

import builders
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from old_runtimes import RUNTIMES, File, RefusedError, run_many, run_old, unavailable

from tflq.tflite_side._file import pack, parse

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


@pytest.fixture(scope="module")
def dense():
    kernel = builders.weights(4, 3)
    return builders.tflite(lambda x: (x @ kernel, tf.nn.relu(x)), (1, 4)), kernel


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_outputs_of_every_sample_come_in_order(dense, runtime):
    content, kernel = dense
    samples = [[builders.weights(1, 4, seed=seed)] for seed in range(12)]
    (found,) = run_many([File(content=content, samples=samples)], runtime)
    for (x,), made in zip(samples, found, strict=True):
        by_size = {array.size: array for array in made}
        np.testing.assert_allclose(by_size[3], x @ kernel, rtol=1e-5)
        np.testing.assert_array_equal(by_size[4], np.maximum(x, 0))


def test_a_file_that_is_refused_leaves_the_others_alone(dense):
    content, _ = dense
    model = parse(content, name="the test's file")
    for code in model.operatorCodes:
        code.version = 99
    x = [builders.weights(1, 4)]
    files = [File(content=c, samples=[x]) for c in (pack(model), b"no file at all!!", content)]
    newer, damaged, fine = run_many(files, "tflite-runtime")
    assert "version" in str(newer)
    assert isinstance(damaged, RefusedError)
    assert len(fine[0]) == 2


def test_one_file_raises_what_the_runtime_said(dense):
    model = parse(dense[0], name="the test's file")
    code = schema.BuiltinOperator.STABLEHLO_CASE
    model.operatorCodes[0].builtinCode, model.operatorCodes[0].deprecatedBuiltinCode = code, 127
    with pytest.raises(RefusedError, match=r"."):
        run_old(pack(model), [builders.weights(1, 4)], "tflite-micro")
