import pytest
from one_op import T, graph, site

from tflq.targets import judge
from tflq.targets._nnapi import LEVEL_5, LEVEL_7, problem_at
from tflq.targets._nnapi_rules import NNAPI_1_0, NNAPI_1_1, NNAPI_1_2, NNAPI_1_3
from tflq.targets._nnapi_table import ROWS


def test_first_levels_of_an_int8_network(exported):
    report = judge(exported("small_cnn")[1], b"", "nnapi")
    since = {op.kind: op.since for op in report.taken}
    assert not report.refused
    assert since["ADD"] == since["SOFTMAX"] == "Android 8.1 (NNAPI 1.0)"
    # NNAPI 1.2 brought weights with one scale a channel.
    assert since["CONV_2D"] == since["DEPTHWISE_CONV_2D"] == "Android 10 (NNAPI 1.2)"
    assert any("deprecated from Android 15" in note for note in report.notes)


def test_an_old_android_says_which_takes_the_op(exported):
    report = judge(exported("small_cnn")[1], b"", "nnapi:9")
    assert {op.kind for op in report.taken} == {"ADD", "SOFTMAX"}
    for refusal in report.refused:
        assert refusal.since == "Android 10 (NNAPI 1.2)" and "newer phones" in refusal.advice
    assert not judge(exported("small_cnn")[1], b"", "nnapi:10").refused


def test_what_no_android_takes(exported):
    report = judge(exported("zoo")[1], b"", "nnapi:9")
    never = {refusal.kind: refusal for refusal in report.refused if refusal.since is None}
    assert set(never) == {"RESHAPE", "TILE", "GELU"}
    assert never["GELU"].advice == "replace gelu by relu"
    assert "bilinear" in never["TILE"].advice and "bilinear" in never["RESHAPE"].advice


@pytest.mark.parametrize(
    ("scheme", "reason"), [("w8a16", "16-bit activations"), ("w4a8", "4-bit weights")]
)
def test_wider_and_narrower_codes_are_refused(scheme, reason, exported):
    report = judge(exported("small_cnn", scheme)[1], b"", "nnapi")
    refused = [refusal for refusal in report.refused if refusal.reason == reason]
    assert refused and all("w8a8" in refusal.advice for refusal in refused)


def test_one_4_bit_layer_raises_the_version_of_its_8_bit_neighbours(exported):
    made = exported("small_cnn", "w4a8")[1]
    first = judge(made, b"", "nnapi").refused[0]
    assert made.tensors[made.ops[0].inputs[1]].dtype == "int8"
    assert first.op == 0 and "version 7" in first.reason and "w8a8" in first.advice


def test_from_android_12_on_the_level_is_the_phones_own():
    made = graph("ADD", [T(1, 4), T(1, 4)], [T(1, 4)])
    reports = [judge(made, b"", f"nnapi:{version}") for version in ("11", "12", "15")]
    assert [any("apart from" in note for note in r.notes) for r in reports] == [False, True, True]


def test_float16_weights_are_read_through():
    unpacking = site("DEQUANTIZE", [T(value=[1, 2], dtype="float16")], [T(2, dtype="float32")])
    computing = site("DEQUANTIZE", [T(2, dtype="float16")], [T(2, dtype="float32")])
    assert problem_at(unpacking, NNAPI_1_0) is None
    assert "float16" in problem_at(computing, LEVEL_7).reason


def test_every_row_begins_where_its_dtypes_do():
    for kind, row in ROWS.items():
        starts = [start for start, _ in row.dtypes]
        assert starts == sorted(starts), kind
        assert all(NNAPI_1_0 <= end <= LEVEL_7 for end, _ in row.before), kind


IMAGE = T(1, 8, 8, 4)
UNSIGNED = T(1, 8, 8, 4, dtype="uint8", scale=0.5)
FLOAT = T(1, 8, 8, 4, dtype="float32")
BIAS = T(value=[0], dtype="int32")
SIZE = T(value=[16, 16], dtype="int32")


def conv(data=UNSIGNED, *, scale=0.1, bias=BIAS, out=None, **options):
    kernel = T(value=[[[[1]]]], dtype="uint8", scale=scale)
    return site("CONV_2D", [data, kernel, bias], [out or UNSIGNED], **options)


def resized(*shape, **options):
    return site("RESIZE_BILINEAR", [FLOAT, SIZE], [T(*shape, dtype="float32")], **options)


def crop(amount):
    crops = T(value=[[0, amount], [0, 0]], dtype="int32")
    return site("BATCH_TO_SPACE_ND", [IMAGE, SIZE, crops], [IMAGE])


@pytest.mark.parametrize(
    ("refused", "taken", "level", "words"),
    [
        # Weights before NNAPI 1.2.
        (conv(IMAGE), conv(), NNAPI_1_1, "int8"),
        (conv(FLOAT), conv(), NNAPI_1_1, "8-bit weights"),
        (conv(scale=[0.1, 0.2]), conv(), NNAPI_1_1, "one scale a channel"),
        (conv(scale=2), conv(), NNAPI_1_1, "multiply"),
        (conv(dilationWFactor=2), conv(dilationWFactor=1), NNAPI_1_1, "dilated"),
        (conv(bias=None), conv(), LEVEL_7, "bias"),
        # Types.
        (
            site("TANH", [IMAGE], [IMAGE]),
            site("TANH", [FLOAT], [FLOAT]),
            NNAPI_1_1,
            "int8",
        ),
        (site("EXP", [IMAGE], [IMAGE]), site("EXP", [FLOAT], [FLOAT]), LEVEL_7, "int8"),
        (
            site("SPLIT", [BIAS, IMAGE], [IMAGE]),
            site("SPLIT", [BIAS, UNSIGNED], [UNSIGNED]),
            NNAPI_1_2,
            "int8",
        ),
        (
            site("QUANTIZE", [FLOAT], [IMAGE]),
            site("QUANTIZE", [FLOAT], [UNSIGNED]),
            NNAPI_1_2,
            "output",
        ),
        (
            site("DEQUANTIZE", [T(1, 4, zero=3)], [FLOAT]),
            site("DEQUANTIZE", [T(1, 4)], [FLOAT]),
            NNAPI_1_2,
            "zero point",
        ),
        (
            site("ARG_MAX", [IMAGE, BIAS], [T(1, dtype="int64")], outputType=4),
            site("ARG_MAX", [IMAGE, BIAS], [T(1, dtype="int32")], outputType=2),
            NNAPI_1_2,
            "output",
        ),
        (
            site("EMBEDDING_LOOKUP", [BIAS, IMAGE], [IMAGE]),
            site("EMBEDDING_LOOKUP", [BIAS, FLOAT], [FLOAT]),
            NNAPI_1_0,
            "table",
        ),
        # Dimensions.
        (
            site("SOFTMAX", [T(1, 2, 3)], [IMAGE]),
            site("SOFTMAX", [T(1, 2)], [IMAGE]),
            NNAPI_1_1,
            "2 or 4",
        ),
        (
            site("CONCATENATION", [T(1, 1, 1, 1, 2)], [IMAGE]),
            site("CONCATENATION", [IMAGE], [IMAGE]),
            LEVEL_7,
            "5 dimensions",
        ),
        (site("MEAN", [T(4)], [T()]), site("MEAN", [T(1, 4)], [T(1)]), LEVEL_7, "no dimension"),
        (site("UNPACK", [T(4)], [T()], axis=0), site("UNPACK", [T(4, 2)], [T(2)], axis=0), 30, "2"),
        (
            site("FULLY_CONNECTED", [T(1, 4, 4), T(4, 4)], [T(1, 4, 4)], keepNumDims=True),
            site("FULLY_CONNECTED", [T(1, 4), T(4, 4)], [T(1, 4)], keepNumDims=False),
            NNAPI_1_2,
            "keeps",
        ),
        # Values.
        (
            site("AVERAGE_POOL_2D", [IMAGE], [IMAGE], filterWidth=17, filterHeight=17),
            site("AVERAGE_POOL_2D", [IMAGE], [IMAGE], filterWidth=16, filterHeight=16),
            LEVEL_7,
            "256",
        ),
        (crop(1), crop(0), NNAPI_1_1, "crops"),
        (resized(1, 8, 9, 4), resized(1, 8, 8, 4), NNAPI_1_1, "square"),
        (
            resized(1, 8, 8, 4, halfPixelCenters=True),
            resized(1, 8, 8, 4, halfPixelCenters=False),
            NNAPI_1_2,
            "centres",
        ),
        (
            site("CONCATENATION", [IMAGE], [IMAGE], fusedActivationFunction=1),
            site("CONCATENATION", [IMAGE], [IMAGE], fusedActivationFunction=0),
            LEVEL_7,
            "fused",
        ),
        (
            site("PACK", [T(2), T(2)], [T(2, 2)], axis=1),
            site("PACK", [T(2), T(2)], [T(2, 2)], axis=0),
            NNAPI_1_3,
            "axis",
        ),
        (
            site("SELECT", [T(2, dtype="bool"), T(2, 2)], [T(2, 2)]),
            site("SELECT", [T(2, dtype="bool"), T(2)], [T(2)]),
            NNAPI_1_2,
            "shapes",
        ),
        (
            site("GATHER", [IMAGE, T(3, dtype="int64")], [IMAGE], version=2),
            site("GATHER", [IMAGE, T(3, dtype="int32")], [IMAGE], version=2),
            NNAPI_1_2,
            "indices",
        ),
        (
            site("BATCH_MATMUL", [T(1, 2, 3), T(2, 3, 2)], [T(2, 2, 2)]),
            site("BATCH_MATMUL", [T(2, 2, 3), T(2, 3, 2)], [T(2, 2, 2)]),
            LEVEL_7,
            "broadcasts",
        ),
        (
            site("TRANSPOSE_CONV", [T(4, dtype="int32"), T(value=[[[[1]]]]), IMAGE], [IMAGE]),
            site("TRANSPOSE_CONV", [SIZE, T(value=[[[[1]]]]), IMAGE], [IMAGE]),
            NNAPI_1_2,
            "output shape",
        ),
        # Versions, levels and sizes.
        (
            site("LEAKY_RELU", [IMAGE], [IMAGE], version=2),
            site("LEAKY_RELU", [IMAGE], [IMAGE], version=1),
            LEVEL_7,
            "version 2",
        ),
        (
            site("MIRROR_PAD", [IMAGE], [IMAGE]),
            site("PAD", [IMAGE], [IMAGE]),
            LEVEL_5,
            "not in this version",
        ),
    ],
)
def test_every_rule_objects_and_lets_pass(refused, taken, level, words):
    assert words in problem_at(refused, level).reason
    assert problem_at(taken, level) is None
