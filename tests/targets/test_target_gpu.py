import pytest
from one_op import T, site

from tflq.targets import judge
from tflq.targets._gpu import _problem


def test_8_bit_networks_are_taken_whole(exported):
    report = judge(exported("small_cnn")[1], b"", "gpu")
    assert not report.refused and len(report.taken) == 7
    assert "float16" in report.notes[0] and len(report.notes) == 1


def test_what_it_leaves_of_every_kind(exported):
    report = judge(exported("zoo")[1], b"", "gpu")
    reasons = {refusal.kind: refusal for refusal in report.refused}
    assert set(reasons) == {"RESHAPE", "TILE", "DEPTHWISE_CONV_2D", "MUL"}
    assert "depth_multiplier=1" in reasons["DEPTHWISE_CONV_2D"].advice
    assert "bilinear" in reasons["TILE"].advice
    assert any("largest connected part" in note for note in report.notes)


@pytest.mark.parametrize("scheme", ["w8a16", "w4a8"])
def test_other_codes_than_8_bits_are_refused(scheme, exported):
    refused = judge(exported("small_cnn", scheme)[1], b"", "gpu").refused
    assert refused and all("w8a8" in refusal.advice for refusal in refused)


X = T(1, 8, 8, 4)
FLOAT = T(1, 8, 8, 4, dtype="float32")
AXES = T(value=[1, 2], dtype="int32")
CONDITION = T(1, 8, 8, 4, dtype="bool")


def pads(rows):
    return site("PAD", [X, T(value=[[0, 1]] * rows, dtype="int32")], [X])


def depthwise(multiplier, channels):
    kernel = T(value=[[[[1]]]])
    return site(
        "DEPTHWISE_CONV_2D", [T(1, 8, 8, channels), kernel], [X], depthMultiplier=multiplier
    )


@pytest.mark.parametrize(
    ("refused", "taken", "words"),
    [
        (site("CEIL", [X], [X]), site("FLOOR", [X], [X]), "no such op"),
        (
            site("ADD", [T(1, dtype="int32")] * 2, [X]),
            site("ADD", [X, X], [X]),
            "int32",
        ),
        (
            site("ADD", [T(1, 2, 3, 4), T(1, 2, 3, 3)], [X]),
            site("ADD", [T(1, 2, 3, 4), T(4)], [X]),
            "broadcast",
        ),
        (site("ADD_N", [X] * 3, [X]), site("ADD_N", [X] * 2, [X]), "two inputs"),
        (
            site("MUL", [T(1, 4, 1), T(1, 1, 4)], [X]),
            site("MUL", [T(1, 4, 4), T(1, 1, 4)], [X]),
            "shape of the product",
        ),
        (site("MEAN", [X, T(2, dtype="int32")], [X]), site("MEAN", [X, AXES], [X]), "computes"),
        (
            site("LOGISTIC", [T(value=[1])], [X]),
            site("LOGISTIC", [X], [X]),
            "1 computed inputs",
        ),
        (depthwise(2, 4), depthwise(2, 1), "depth_multiplier"),
        (pads(2), pads(4), "paddings"),
        (
            site("MIRROR_PAD", [X, T(value=[[0, 1]] * 4, dtype="int32")], [X], mode=1),
            site("MIRROR_PAD", [X, T(value=[[0, 1]] * 4, dtype="int32")], [X], mode=0),
            "REFLECT",
        ),
        (
            site("SELECT", [CONDITION, X, X], [X]),
            site("SELECT", [CONDITION, FLOAT, FLOAT], [FLOAT]),
            "not float",
        ),
        (
            site("SLICE", [T(4, 4), AXES, AXES], [X]),
            site("SLICE", [X, AXES, AXES], [X]),
            "3 or 4 dimensions",
        ),
        (
            site("SOFTMAX", [X], [X], beta=2.0),
            site("SOFTMAX", [X], [X], beta=1.0),
            "beta",
        ),
        (
            site("STRIDED_SLICE", [X, AXES, AXES, AXES], [X], shrinkAxisMask=1),
            site("STRIDED_SLICE", [X, AXES, AXES, AXES], [X], shrinkAxisMask=0),
            "drops",
        ),
        (
            site("FULLY_CONNECTED", [X, T(value=[[1]])], [T(64, 4)], keepNumDims=True),
            site("FULLY_CONNECTED", [X, T(value=[[1]])], [X], keepNumDims=True),
            "number of dimensions",
        ),
        (site("CONV_2D", [X, X, X], [X]), site("CONV_2D", [X, X], [X]), "1 or 2 computed"),
        (site("GATHER", [X, AXES], [X], version=2), site("GATHER", [X, AXES], [X]), "version 2"),
        (site("RELU", [T(1, 1, 1, 1, 4)], [X]), site("RELU", [X], [X]), "5 dimensions"),
    ],
)
def test_every_rule_objects_and_lets_pass(refused, taken, words):
    assert words in _problem(refused).reason
    assert _problem(taken) is None
