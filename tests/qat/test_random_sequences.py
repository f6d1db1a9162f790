"""Whatever the network, training starts from it, and its file computes what was trained."""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_sequences import Drawn
from training import outputs, run_file

import tflq
from tflq.qat._phase import quantization
from tflq.tflite_side import Graph

pytestmark = [
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask"),
    pytest.mark.filterwarnings("ignore:The recursion limit will not be reset"),
]
_SETTINGS = settings(
    max_examples=9,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    # Without shrinking, each step of which converts a network anew.
    phases=[Phase.explicit, Phase.generate],
)
# Of files against predict, in dB. Where ops beside quantized ones are float, a value may round to
# the next code, which ranges that are 32 times too wide make loud.
_LEAST = 25


def _sqnr(wanted, came):
    return 10 * np.log10(np.square(wanted).sum() / max(np.square(wanted - came).sum(), 1e-12))


def _float_ops(content):
    """Names of what computes in float, loops and branches as a whole, read from the file."""
    graph = Graph.from_bytes(content, name="file")
    return {
        graph.tensors[op.outputs[0]].name.split(";")[0]
        for op in graph.ops
        if op.kind not in ("QUANTIZE", "DEQUANTIZE")
        and any(
            graph.tensors[t].dtype == "float32" and not graph.tensors[t].is_constant
            for t in (*op.inputs, *op.outputs)
            if t >= 0
        )
    }


@_SETTINGS
@given(data=st.data())
def test_training_starts_from_the_float_network(data):
    model, samples = Drawn(data.draw).model()
    before = model.get_weights()
    wanted = outputs(model, samples)
    qat = tflq.quantize(model, data=samples)
    with quantization(qat, on=False):
        for want, came in zip(wanted, outputs(qat, samples), strict=True):
            assert np.abs(want - came).max() <= 1e-4 * np.abs(want).max()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    keras.backend.clear_session()


@_SETTINGS
@given(data=st.data())
def test_a_file_computes_what_was_trained_and_names_what_is_float(data, tmp_path_factory):
    model, samples = Drawn(data.draw).model()
    qat = tflq.quantize(model, data=samples)
    path = tmp_path_factory.mktemp("random") / "model.tflite"
    report = tflq.export(qat, path)
    made, _ = run_file(path.read_bytes(), samples)
    for want, came in zip(outputs(qat, samples), made, strict=True):
        assert _sqnr(want, came) > _LEAST
    told, islands = "".join(str(report).split()), _float_ops(path.read_bytes())
    assert ("everywhere" in told) == (not islands)
    for name in islands:
        assert f"({''.join(name.split())})" in told
    keras.backend.clear_session()
