"""Every kind of op, at 8 and at 16 bits, on every runtime that there is."""

from dataclasses import dataclass

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from old_runtimes import RUNTIMES, File, RefusedError, run_many, unavailable
from op_kinds import ZOO, data, network

from tflq._clock import Clock
from tflq._export import export_report
from tflq._float_model import FloatModel
from tflq._opened import Opened
from tflq._report import ExportReport
from tflq.tflite_side import Graph, Runner

SCHEMES = ("w8a8", "w8a16")
KERNELS = {
    "XNNPACK": OpResolverType.AUTO,
    "built-in": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}
# No integer kernel computes these, or TensorFlow's quantizer knows none.
WITHOUT_CODES = frozenset(
    {
        "ADD_N",
        "ATAN2",
        "BUCKETIZE",
        "CAST",
        "CEIL",
        "COMPLEX_ABS",
        "CONV_3D",
        "CONV_3D_TRANSPOSE",
        "COS",
        "CUMSUM",
        "ELU",
        "FLOOR",
        "FLOOR_DIV",
        "FLOOR_MOD",
        "LOCAL_RESPONSE_NORMALIZATION",
        "MATRIX_DIAG",
        "MATRIX_SET_DIAG",
        "NOT_EQUAL",
        "ONE_HOT",
        "POW",
        "REVERSE_SEQUENCE",
        "RFFT2D",
        "ROUND",
        "SCATTER_ND",
        "SEGMENT_SUM",
        "SIGN",
        "SIN",
        "UNSORTED_SEGMENT_MAX",
        "WHILE",
    }
)
# These make log(1 + exp x) of a wide range, or the log of what is near 0.
TOO_COARSE = frozenset({"ADD", "EXP", "LOG", "MUL"})
# The share of the files that a runtime has all ops for.
SHARES = {"tflite-runtime": 0.7, "tflite-runtime-builtin": 0.7, "tflite-micro": 0.5}


@dataclass(frozen=True, kw_only=True)
class Made:
    """A file, what it is fed, and what is expected of it."""

    name: str
    content: bytes
    codes: list[list[np.ndarray]]
    wanted: np.ndarray
    least: float
    report: ExportReport

    def decibels(self, outputs) -> float:
        held = Graph.from_bytes(self.content)
        form = held.tensors[held.outputs[0]].quantization
        codes = np.stack(outputs).reshape(self.wanted.shape).astype(np.float64)
        came = (codes - form.zero_point[0]) * float(form.scale[0])
        noise = np.square(self.wanted - came).sum()
        return float(10 * np.log10(np.square(self.wanted).sum() / max(noise, 1e-30)))


def _export(scheme, content, samples, folder):
    """As `tflq.export` does, without a process to try each file in first."""
    source = FloatModel(
        tflite=content, inputs=Runner(content).inputs, outputs=("y",), source="the zoo's file"
    )
    opened, clock = Opened(model=None, source=source), Clock()
    recipe = opened.recipe({"scheme": scheme, "calibrator": "minmax"})
    outcome = opened.run(recipe, samples, verify_data=samples, checkpoint=folder, clock=clock)
    report = export_report(opened, recipe, outcome, path="", seconds={})
    return outcome.quantized.content, report


def _made(name, scheme, content, folder):
    kind, samples = ZOO[name], data(ZOO[name])
    runner = Runner(content)
    wanted = [runner.run({runner.inputs[0].name: x[None]})[0].copy() for x in samples]
    made, report = _export(scheme, content, samples, folder)
    quantized = Runner(made)
    codes = [quantized.encoded({quantized.inputs[0].name: x[None]}) for x in samples]
    narrow = any("computes in int8" in deviation.rule for deviation in report.deviations)
    return Made(
        name=f"{name} {scheme}",
        content=made,
        codes=codes,
        wanted=np.stack(wanted),
        least=kind.least16 if scheme == "w8a16" and not narrow else kind.least8,
        report=report,
    )


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo") / "rounding"
    files = {name: network(kind) for name, kind in ZOO.items()}
    return [_made(name, scheme, files[name], folder) for name in ZOO for scheme in SCHEMES]


def _float_kinds(made):
    return {op.split()[0] for op in made.report.facts.float_ops}


@pytest.mark.parametrize("kernels", KERNELS)
def test_litert_computes_what_is_expected(zoo, kernels):
    found = {}
    for made in zoo:
        interpreter = Interpreter(
            model_content=made.content, experimental_op_resolver_type=KERNELS[kernels]
        )
        interpreter.allocate_tensors()
        (given,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
        outputs = []
        for (codes,) in made.codes:
            interpreter.set_tensor(given["index"], codes)
            interpreter.invoke()
            outputs.append(interpreter.get_tensor(output["index"]))
        found[made.name] = made.decibels(outputs), made.least
    assert {name: pair for name, pair in found.items() if pair[0] < pair[1]} == {}


@pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_older_and_smaller_runtimes_compute_it_or_refuse(zoo, runtime):
    files = [File(content=made.content, samples=made.codes) for made in zoo]
    found, refused = {}, []
    for made, outputs in zip(zoo, run_many(files, runtime), strict=True):
        if isinstance(outputs, RefusedError):
            refused.append(made.name)
        else:
            found[made.name] = made.decibels([one for (one,) in outputs]), made.least
    assert {name: pair for name, pair in found.items() if pair[0] < pair[1]} == {}
    assert len(found) >= SHARES[runtime] * len(zoo), f"refused: {refused}"


def test_what_stays_in_float_is_named(zoo):
    for made in zoo:
        graph = Graph.from_bytes(made.content)
        computing = {
            op.kind
            for op in graph.ops
            if op.kind not in ("QUANTIZE", "DEQUANTIZE")
            and any(graph.tensors[t].dtype == "float32" for t in op.outputs)
        }
        assert computing <= _float_kinds(made), made.name
        assert all(op in str(made.report) for op in computing), made.name


def test_no_more_stays_in_float_than_must(zoo):
    assert {kind for made in zoo for kind in _float_kinds(made)} == WITHOUT_CODES | TOO_COARSE
