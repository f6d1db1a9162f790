import numpy as np
import ops
import pytest
from ops import T, constant, options

IMAGE = (1, 4, 6, 8)
# Of each kind: inputs after the first, shapes of outputs, options.
CASES = {
    "BROADCAST_TO": ([constant([1, 4, 6, 8])], [IMAGE], None),
    "DEPTH_TO_SPACE": ([], [(1, 8, 12, 2)], options("DepthToSpaceOptions", blockSize=2)),
    "EXPAND_DIMS": ([constant(1)], [(1, 1, 4, 6, 8)], options("ExpandDimsOptions")),
    "GATHER": ([constant([5, 0, 3])], [(1, 4, 3, 8)], options("GatherOptions", axis=2)),
    "MIRROR_PAD": (
        [constant([[0, 0], [1, 2], [0, 3], [0, 0]])],
        [(1, 7, 9, 8)],
        options("MirrorPadOptions", mode=0),
    ),
    "PAD": ([constant([[0, 0], [1, 2], [0, 3], [2, 0]])], [(1, 7, 9, 10)], options("PadOptions")),
    "RESHAPE": ([constant([1, -1])], [(1, 192)], options("ReshapeOptions", newShape=[1, -1])),
    "REVERSE_V2": ([constant([2])], [IMAGE], options("ReverseV2Options")),
    "SLICE": (
        [constant([0, 1, 0, 2]), constant([1, 2, 6, 5])],
        [(1, 2, 6, 5)],
        options("SliceOptions"),
    ),
    "SPACE_TO_DEPTH": ([], [(1, 2, 3, 32)], options("SpaceToDepthOptions", blockSize=2)),
    "STRIDED_SLICE": (
        [constant([0, 3, 1, 2]), constant([0, 0, 5, 3]), constant([1, -1, 2, 1])],
        [(1, 4, 2)],
        options("StridedSliceOptions", beginMask=1, endMask=3, shrinkAxisMask=8),
    ),
    "TILE": ([constant([1, 2, 1, 3])], [(1, 8, 6, 24)], options("TileOptions")),
    "TRANSPOSE": ([constant([0, 3, 1, 2])], [(1, 8, 4, 6)], options("TransposeOptions")),
    "UNPACK": ([], [(1, 4, 8)] * 6, options("UnpackOptions", axis=2, num=6)),
}


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("kind", CASES)
def test_moves(kind, dtype):
    rest, shapes, given = CASES[kind]
    start = (1, 1, 6, 1) if kind == "BROADCAST_TO" else IMAGE
    x = T(start, dtype, scale=0.1, zero=7)
    content = ops.file(
        kind, [x, *rest], [T(shape, dtype, scale=0.1, zero=7) for shape in shapes], given
    )
    ops.check(content, {"t0": ops.codes(np.random.default_rng(0), start, dtype)})


def test_squeeze():
    x, y = T((1, 1, 6, 1), scale=0.1, zero=7), T((1, 6), scale=0.1, zero=7)
    content = ops.file("SQUEEZE", [x], [y], options("SqueezeOptions", squeezeDims=[1, 3]))
    ops.check(content, {"t0": ops.codes(np.random.default_rng(0), x.shape)})


@pytest.mark.parametrize("kind", ["SPLIT", "SPLIT_V"])
def test_splitting(kind):
    x = T(IMAGE, scale=0.1, zero=7)
    if kind == "SPLIT":
        inputs, sizes = [constant(3), x], [4, 4]
        given = options("SplitOptions", numSplits=2)
    else:
        inputs, sizes = [x, constant([1, 5, 2]), constant(-1)], [1, 5, 2]
        given = options("SplitVOptions", numSplits=3)
    outputs = [T((1, 4, 6, size), scale=0.1, zero=7) for size in sizes]
    place = inputs.index(x)
    content = ops.file(kind, inputs, outputs, given)
    ops.check(content, {f"t{place}": ops.codes(np.random.default_rng(0), IMAGE)})


@pytest.mark.parametrize("count", [2, 3, 6])
def test_concatenating_with_a_constant(count):
    rng = np.random.default_rng(count)
    doors = [T((1, 3, 1 + i), scale=0.1, zero=7) for i in range(count - 1)]
    fixed = constant(ops.codes(rng, (1, 3, 2), samples=1), "int8", scale=0.1, zero=7)
    width = sum(t.shape[2] for t in (*doors, fixed))
    content = ops.file(
        "CONCATENATION",
        [*doors, fixed],
        [T((1, 3, width), scale=0.1, zero=7)],
        options("ConcatenationOptions", axis=-1),
    )
    ops.check(content, {f"t{i}": ops.codes(rng, t.shape) for i, t in enumerate(doors)})


def test_packing():
    rng = np.random.default_rng(0)
    doors = [T((1, 3, 4), scale=0.1, zero=7) for _ in range(2)]
    y = T((1, 2, 3, 4), scale=0.1, zero=7)
    content = ops.file("PACK", doors, [y], options("PackOptions", axis=1, valuesCount=2))
    ops.check(content, {f"t{i}": ops.codes(rng, t.shape) for i, t in enumerate(doors)})


def test_padding_with_a_value():
    x, y = T((1, 3, 4), scale=0.1, zero=7), T((1, 3, 7), scale=0.1, zero=7)
    value = constant([-128], "int8", scale=0.1, zero=7)
    around = constant([[0, 0], [0, 0], [1, 2]])
    content = ops.file("PADV2", [x, around, value], [y], options("PadV2Options"))
    ops.check(content, {"t0": ops.codes(np.random.default_rng(0), x.shape)})


def test_the_files_batch_moves_into_the_image_and_back():
    rng = np.random.default_rng(0)
    x, y = T(IMAGE, scale=0.1, zero=7), T((4, 3, 4, 8), scale=0.1, zero=7)
    block, around = constant([2, 2]), constant([[1, 1], [2, 0]])
    content = ops.file(
        "SPACE_TO_BATCH_ND", [x, block, around], [y], options("SpaceToBatchNDOptions")
    )
    feeds = {"t0": ops.codes(rng, IMAGE, samples=3)}
    expected = ops.runtime(content, feeds)[0]
    made = ops.simulate(content, feeds)[0]
    np.testing.assert_array_equal(made, expected)


def test_rows_of_a_table_by_token():
    rng = np.random.default_rng(0)
    table = constant(ops.codes(rng, (9, 5), samples=9), "int8", scale=0.1, zero=7)
    tokens = T((1, 6), "int32")
    y = T((1, 6, 5), scale=0.1, zero=7)
    content = ops.file("GATHER", [table, tokens], [y], options("GatherOptions", axis=0))
    ops.check(content, {"t1": rng.integers(0, 9, (4, 6)).astype(np.int32)})


@pytest.mark.parametrize("axis, inner", [(1, 0), (1, 1)])
def test_slices_by_computed_number(axis, inner):
    rng = np.random.default_rng(0)
    x, numbers = T((1, 5, 3), scale=0.1, zero=7), T((1, 4), "int32")
    y = T((1, 4, 3) if inner else (1, 1, 4, 3), scale=0.1, zero=7)
    given = options("GatherOptions", axis=axis, batchDims=inner)
    content = ops.file("GATHER", [x, numbers], [y], given)
    feeds = {"t0": ops.codes(rng, x.shape), "t1": rng.integers(0, 5, (3, 4)).astype(np.int32)}
    ops.check(content, feeds)


def test_every_move_is_tested():
    from tflq.integer._movement import MOVES

    elsewhere = {"RESIZE_NEAREST_NEIGHBOR", "CONCATENATION", "PACK", "PADV2", "SQUEEZE"}
    elsewhere |= {"SPLIT", "SPLIT_V", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"}
    assert set(MOVES) <= set(CASES) | elsewhere
