import numpy as np
import pytest
from one_op import T, site

from tflq.targets import judge
from tflq.targets._edgetpu import _problem


def test_an_8_bit_network_is_mapped_whole(exported):
    report = judge(exported("small_cnn")[1], b"", "edgetpu")
    assert not report.refused and "edgetpu_compiler" in report.notes[0]
    assert not judge(exported("unet")[1], b"", "edgetpu").refused


def test_the_first_refused_op_takes_the_rest_along(exported):
    report = judge(exported("zoo")[1], b"", "edgetpu")
    assert report.refused[0].kind == "LEAKY_RELU" and "ReLU" in report.refused[0].advice
    assert "LEAKY_RELU #1 the 21 taken ops after it" in report.notes[0]
    unread = {r.kind for r in report.refused if "could be read; newer" in r.reason}
    assert unread == {"SQUARED_DIFFERENCE", "RSQRT"}


@pytest.mark.parametrize(
    ("scheme", "words"),
    [("w8a16", "w8a8"), ("w4a8", "w8a8"), ("w8", "w8a8"), ("dynamic", "w8a8")],
)
def test_everything_must_be_8_bits(scheme, words, exported):
    refused = judge(exported("small_cnn", scheme)[1], b"", "edgetpu").refused
    assert refused and any(words in refusal.advice for refusal in refused)


def test_float_doors_are_no_reason_to_stop(small_cnn, tmp_path):
    import tflq

    model, data = small_cnn
    path = tmp_path / "doors.tflite"
    tflq.export(model, path, data=data, io="float32", calibrator="minmax")
    report = tflq.inspect(path, target="edgetpu").targets[0]
    assert {refusal.kind for refusal in report.refused} == {"QUANTIZE", "DEQUANTIZE"}
    assert "io='int8'" in report.refused[0].advice and len(report.notes) == 1


X = T(1, 8, 8, 4)
AXES = T(value=[1, 2], dtype="int32")
KERNEL = T(value=[[[[1]]]])


def paddings(batch):
    value = [[batch, 0], [1, 1], [1, 1], [0, 0]]
    return site("PAD", [X, T(value=value, dtype="int32")], [X])


def mean(axes, depth=4):
    return site("MEAN", [T(1, 8, 8, depth), T(value=axes, dtype="int32")], [T(1, 4)])


def strided(step, **masks):
    steps = T(value=[1, step, 1, 1], dtype="int32")
    return site("STRIDED_SLICE", [X, AXES, AXES, steps], [X], **masks)


def joined(value, count=2):
    constant = T(value=np.full((1, 8, 8, 4), value), zero=-3)
    return site("CONCATENATION", [*[X] * (count - 1), constant], [X])


@pytest.mark.parametrize(
    ("refused", "taken", "words"),
    [
        (site("GELU", [X], [X]), site("TANH", [X], [X]), "does not name it"),
        (site("SUM", [X, AXES], [X]), site("REDUCE_MAX", [X, AXES], [X]), "newer compilers"),
        (
            site("MAX_POOL_2D", [X], [X], fusedActivationFunction=1),
            site("MAX_POOL_2D", [X], [X], fusedActivationFunction=0),
            "fused",
        ),
        (joined(0), joined(-3), "not zero"),
        (joined(-3, count=3), joined(-3, count=2), "not zero"),
        (site("CONV_2D", [X, X], [X]), site("CONV_2D", [X, KERNEL], [X]), "not constant"),
        (
            site("CONV_2D", [X, KERNEL], [X], dilationWFactor=2, dilationHFactor=1),
            site("CONV_2D", [X, KERNEL], [X], dilationWFactor=2, dilationHFactor=2),
            "dilations",
        ),
        (
            site("FULLY_CONNECTED", [T(3, 4), T(value=[[1]])], [T(3, 4)]),
            site("FULLY_CONNECTED", [T(1, 4), T(value=[[1]])], [T(1, 4)]),
            "no vector",
        ),
        (
            site("FULLY_CONNECTED", [T(1, 4), T(value=[[1]])], [T(1, 4)], weightsFormat=1),
            site("FULLY_CONNECTED", [T(1, 4), T(value=[[1]])], [T(1, 4)], weightsFormat=0),
            "shuffled",
        ),
        (mean([0]), mean([1, 2]), "batch"),
        (mean([-1], depth=6), mean([-1], depth=8), "divide"),
        (
            site("PACK", [T(4), T(4)], [T(2, 4)], axis=0),
            site("PACK", [T(4), T(4)], [T(4, 2)], axis=1),
            "batch",
        ),
        (paddings(1), paddings(0), "batch"),
        (
            site("PRELU", [X, T(value=np.ones((8, 8, 4)))], [X]),
            site("PRELU", [X, T(value=np.ones((1, 1, 4)))], [X]),
            "every place",
        ),
        (
            site("SOFTMAX", [T(1, 16_001)], [T(1, 16_001)]),
            site("SOFTMAX", [T(1, 16_000)], [T(1, 16_000)]),
            "16000",
        ),
        (
            site("SOFTMAX", [T(1, 8, 4)], [T(1, 8, 4)]),
            site("SOFTMAX", [T(1, 1, 4)], [T(1, 1, 4)]),
            "one row",
        ),
        (
            site("SQUEEZE", [T(5, 1, 10)], [T(5, 10)]),
            site("SQUEEZE", [T(1, 5, 10)], [T(5, 10)]),
            "before the dropped",
        ),
        (strided(2), strided(1), "strides"),
        (strided(1, newAxisMask=1), strided(1, newAxisMask=0), "adds a dimension"),
        (site("RELU", [T(2, 8, 8, 4)], [X]), site("RELU", [X], [X]), "innermost"),
        (
            site("RESIZE_BILINEAR", [T(2, 8, 8, 4), AXES], [X]),
            site("RESIZE_BILINEAR", [X, AXES], [X]),
            "innermost",
        ),
        (
            site("ADD", [T(1, 4, dtype="float32")] * 2, [T(1, 4, dtype="float32")]),
            site("ADD", [T(1, 4, dtype="uint8")] * 2, [T(1, 4, dtype="uint8")]),
            "float32",
        ),
        (site("RELU", [T(None, 4)], [X]), site("RELU", [T(1, 4)], [X]), "open"),
    ],
)
def test_every_rule_objects_and_lets_pass(refused, taken, words):
    assert words in _problem(refused).reason
    assert _problem(taken) is None
