import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from one_op import TYPES, T, graph

import tflq
from tflq import UserError
from tflq.targets import (
    Refusal,
    TakenOp,
    TargetReport,
    _edgetpu,
    _gpu,
    _nnapi_table,
    check_targets,
    judge,
    targets,
)

EVERY = ("nnapi", "nnapi:8.1", "nnapi:9", "nnapi:10", "nnapi:11", "nnapi:12", "gpu", "edgetpu")


def test_targets_are_asked_for_by_name():
    assert targets() == ("xnnpack", "nnapi", "gpu", "edgetpu")
    assert check_targets("gpu,nnapi:10, gpu") == ("gpu", "nnapi:10")
    assert check_targets(["gpu,edgetpu", "xnnpack"]) == ("gpu", "edgetpu", "xnnpack")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("tpu", "target='tpu' is unknown; choose from: xnnpack, nnapi, gpu, edgetpu."),
        ("", "target='' is unknown"),
        ("nnapi:29", "choose from: nnapi:8.1, nnapi:9, nnapi:10"),
        ("nnapi:", "choose from: nnapi:8.1"),
        ("gpu:3", "choose from: gpu alone."),
    ],
)
def test_unknown_targets_are_refused(given, message, integer_file):
    with pytest.raises(UserError, match="target=") as caught:
        tflq.inspect(integer_file, target=given)
    assert message in str(caught.value)


def test_an_inspection_prints_and_dumps_targets(integer_file):
    inspection = tflq.inspect(integer_file, target=["xnnpack", "nnapi:9"])
    printed = str(inspection)
    assert "Target xnnpack" in printed and "Left to the CPU by nnapi:9" in printed
    dumped = json.loads(inspection.to_json())["targets"]
    assert [report["target"] for report in dumped] == ["xnnpack", "nnapi:9"]
    (softmax,) = dumped[0]["refused"]
    assert softmax["kind"] == "SOFTMAX" and softmax["advice"]
    assert tflq.inspect(integer_file).targets == ()


def test_no_target_needs_codes(float_file):
    reports = tflq.inspect(float_file, target=targets()).targets
    by_name = {report.target: report for report in reports}
    assert not by_name["xnnpack"].refused and not by_name["gpu"].refused
    assert not by_name["nnapi"].refused
    assert not by_name["edgetpu"].taken


def test_alike_refusals_share_a_row():
    refused = tuple(
        Refusal(op=i, kind="TILE", tensor="t", reason="too odd", advice="less") for i in range(11)
    )
    taken = (
        TakenOp(op=11, kind="ADD", tensor="s", since="second"),
        TakenOp(op=12, kind="MUL", tensor="r", since="first"),
    )
    printed = str(
        TargetReport(
            target="x", taken=taken, refused=refused, notes=("mind",), versions=("first", "second")
        )
    )
    assert printed.count("too odd") == 1 and "#7 and 3 more" in printed
    assert printed.index("MUL 1") < printed.index("ADD 1")
    assert "2 of 13 ops" in printed and "mind" in printed


SHAPES = st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=5)
DTYPES = st.sampled_from(["int8", "uint8", "int16", "float32", "int32", "bool", "int64", "float16"])
KINDS = st.sampled_from(sorted({*_nnapi_table.ROWS, *_gpu._ROWS, *_edgetpu._ROWS, "WHILE", "SIGN"}))


@st.composite
def tensors(draw, *, optional=True):
    if optional and draw(st.integers(0, 5)) == 0:
        return None
    dtype = draw(DTYPES)
    assert dtype in TYPES
    if draw(st.booleans()):
        values = st.lists(st.integers(0, 1), min_size=1, max_size=4)
        return T(dtype=dtype, value=draw(values))
    return T(*draw(SHAPES), dtype=dtype)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), KINDS, st.integers(1, 8))
def test_any_op_is_judged(data, kind, version):
    inputs = [data.draw(tensors(optional=False)), *data.draw(st.lists(tensors(), max_size=3))]
    outputs = [T(*data.draw(SHAPES), dtype=data.draw(DTYPES))]
    made = graph(kind, inputs, outputs, version=version)
    for target in EVERY:
        report = judge(made, b"", target)
        assert len(report.taken) + len(report.refused) == 1
        assert all(refusal.reason and refusal.advice for refusal in report.refused)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), KINDS, st.integers(1, 5))
def test_a_newer_android_takes_no_less(data, kind, version):
    inputs = [data.draw(tensors(optional=False)), *data.draw(st.lists(tensors(), max_size=2))]
    outputs = [T(*data.draw(SHAPES), dtype=data.draw(DTYPES))]
    made = graph(kind, inputs, outputs, version=version)
    taken = [bool(judge(made, b"", f"nnapi:{v}").taken) for v in ("8.1", "9", "10", "11", "12")]
    assert taken == sorted(taken)
    if taken[-1]:
        assert judge(made, b"", "nnapi").taken
