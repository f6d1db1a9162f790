import networks
import pytest
from one_op import T, site

import tflq
from tflq.targets import judge
from tflq.targets._rules import Site
from tflq.targets._xnnpack import known_problem
from tflq.tflite_side import delegated_ops


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("zoo", "w8a8"),
        ("small_cnn", "w8a16"),
        ("small_cnn", "w4a8"),
        ("small_cnn", "w8"),
        ("transformer", "w8a8"),
        ("loop_gru", "w8a8"),
    ],
)
def test_the_rules_say_what_the_runtime_does(name, scheme, exported):
    content, graph = exported(name, scheme)
    taken = delegated_ops(content)
    for op in graph.ops:
        problem = known_problem(Site(graph, op))
        assert (problem is None) == (op.index in taken), (op, problem)


def test_an_open_batch_is_no_reason(small_cnn, tmp_path):
    model, data = small_cnn
    path = tmp_path / "open.tflite"
    tflq.export(model, path, data=data, batch_size=None, calibrator="minmax")
    reports = tflq.inspect(path, target="xnnpack,nnapi,gpu,edgetpu").targets
    assert [len(report.taken) for report in reports] == [6, 7, 7, 0]
    assert "batch_size=1" in reports[-1].refused[0].advice


def test_computed_sizes_are_pointed_out(tmp_path):
    model, data = networks.two_by_two()
    path = tmp_path / "open.tflite"
    tflq.export(model, path, data=data, batch_size=None, calibrator="minmax")
    reports = tflq.inspect(path, target=["xnnpack", "nnapi", "gpu"]).targets
    for report in reports:
        (reshape,) = (refusal for refusal in report.refused if refusal.kind == "RESHAPE")
        assert "comput" in reshape.reason
    for report in reports[1:]:
        assert any("RESHAPE" in note and "batch_size=1" in note for note in report.notes)


def test_each_op_that_is_left_is_named(exported):
    content, graph = exported("zoo")
    report = judge(graph, content, "xnnpack")
    reasons = {refusal.kind: refusal for refusal in report.refused}
    assert set(reasons) == {
        "HARD_SWISH",
        "AVERAGE_POOL_2D",
        "PRELU",
        "TILE",
        "GELU",
        "SQUARED_DIFFERENCE",
        "RSQRT",
        "SOFTMAX",
    }
    assert "GlobalAveragePooling2D" in reasons["AVERAGE_POOL_2D"].advice
    assert "logits" in reasons["SOFTMAX"].advice
    assert "softmax" in reasons["SOFTMAX"].tensor
    assert reasons["TILE"].reason == "XNNPACK has no such op"
    assert report.notes and len(report.taken) + len(report.refused) == len(graph.ops)


X = T(1, 8, 8, 4)
VECTOR = T(value=[1, 1, 1, 1], dtype="int32")


def strided(step, **masks):
    steps = T(value=[1, step, 1, 1], dtype="int32")
    return site("STRIDED_SLICE", [X, VECTOR, VECTOR, steps], [X], **masks)


@pytest.mark.parametrize(
    ("refused", "taken", "words"),
    [
        (site("RELU", [X], [X]), site("RELU", [T(1, 4, dtype="float32")], [X]), "float32 only"),
        (site("CUMSUM", [X], [X]), site("ADD", [X, X], [X]), "no such op"),
        (site("ADD", [T(4, dtype="int32")], [X]), site("SUB", [X, X], [X]), "int32"),
        (
            site("BATCH_MATMUL", [X, T(1, 4, 4, zero=3)], [X]),
            site("BATCH_MATMUL", [X, T(1, 4, 4)], [X]),
            "zero point",
        ),
        (
            site("CONCATENATION", [X] * 6, [X]),
            site("CONCATENATION", [X] * 5, [X]),
            "more than 5",
        ),
        (
            site("CONV_2D", [X, T(value=[[[[1]]]]), None], [X]),
            site("CONV_2D", [X, T(value=[[[[1]]]]), T(value=[1], dtype="int32")], [X]),
            "no bias",
        ),
        (
            site("FULLY_CONNECTED", [X, T(4, 4)], [X]),
            site("FULLY_CONNECTED", [X, T(value=[[1]])], [X]),
            "computed",
        ),
        (
            site("RESHAPE", [X, T(2, dtype="int32")], [X]),
            site("RESHAPE", [X, VECTOR], [X]),
            "shape is computed",
        ),
        (
            site("SPLIT", [VECTOR, X], [X] * 5),
            site("SPLIT", [VECTOR, X], [X] * 4),
            "more than 4 outputs",
        ),
        (strided(2), strided(1), "strides"),
        (strided(1, shrinkAxisMask=1), strided(1, shrinkAxisMask=0), "drops"),
        (
            site("TRANSPOSE", [X, T(4, dtype="int32")], [X]),
            site("TRANSPOSE", [X, VECTOR], [X]),
            "order of axes",
        ),
        (
            site("TRANSPOSE_CONV", [T(4, dtype="int32"), X, X], [X]),
            site("TRANSPOSE_CONV", [VECTOR, X, X], [X]),
            "output shape",
        ),
    ],
)
def test_every_rule_objects_and_lets_pass(refused, taken, words):
    assert words in known_problem(refused).reason
    assert known_problem(taken) is None
