import collections

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tflq import UserError
from tflq.data import InputSpec
from tflq.data._split import sample_count, split

X = InputSpec("x", (None, 4), np.float32)
IMAGE = InputSpec("image", (None, None, None, 3), np.float32)
A = InputSpec("a", (None, 2), np.float32)
B = InputSpec("b", (None,), np.float32)

ROW = np.arange(4.0)
ROWS = np.arange(12.0).reshape(3, 4)
LABEL = np.int64(7)
LABELS = np.arange(3)
PAIR = (np.ones((3, 2)), np.arange(3.0))


def _split(element, *inputs):
    return list(split(element, inputs, 5))


@pytest.mark.parametrize(
    "element",
    [
        ROW,
        ROW[None],
        {"x": ROW},
        (ROW,),
        [ROW],
        (ROW, LABEL),
        [ROW, LABEL],
        (ROW, LABEL, 0.5),
        ({"x": ROW}, LABEL),
        ({"x": ROW}, {"y": LABEL}),
        ([ROW], [LABEL]),
        ((ROW,), LABEL),
        ROW.tolist(),
        tf.constant(ROW),
        {"x": ROW.tolist()},
        (ROW.tolist(), 7),
    ],
)
def test_one_sample_of_one_input(element):
    (sample,) = _split(element, X)
    np.testing.assert_array_equal(sample["x"], ROW[None])


@pytest.mark.parametrize(
    "element",
    [
        ROWS,
        {"x": ROWS},
        (ROWS, LABELS),
        (ROWS, LABELS, LABELS),
        [ROWS, LABELS],
        (ROWS,),
        ({"x": ROWS}, LABELS),
        ROWS.tolist(),
        tf.constant(ROWS),
        (tf.constant(ROWS), LABELS),
    ],
)
def test_a_batch_of_one_input(element):
    samples = _split(element, X)
    assert [s["x"].shape for s in samples] == [(1, 4)] * 3
    np.testing.assert_array_equal(np.concatenate([s["x"] for s in samples]), ROWS)


NAMED = collections.namedtuple("NAMED", "a b")


@pytest.mark.parametrize(
    "element",
    [
        PAIR,
        list(PAIR),
        dict(zip("ba", PAIR[::-1], strict=True)),
        NAMED(*PAIR),
        (PAIR, LABELS),
        (list(PAIR), LABELS, LABELS),
        ({"a": PAIR[0], "b": PAIR[1]}, LABELS),
        (PAIR,),
    ],
)
def test_a_batch_of_two_inputs(element):
    samples = _split(element, A, B)
    assert [(s["a"].shape, s["b"].tolist()) for s in samples] == [
        ((1, 2), [float(i)]) for i in range(3)
    ]


def test_two_inputs_of_one_sample_each():
    (sample,) = _split(([1, 2], 3.0), A, B)
    assert sample["a"].tolist() == [[1, 2]] and sample["b"].tolist() == [3]


@given(hnp.array_shapes(min_dims=0, max_dims=4, max_side=4), st.integers(0, 4))
def test_the_rank_tells_a_batch_from_a_sample(shape, count):
    spec = InputSpec("x", (None, *shape), np.float32)
    array = np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32)
    samples = _split(array, spec)
    assert len(samples) == count
    for came, wanted in zip(samples, array, strict=True):
        assert came["x"].flags.c_contiguous and came["x"].dtype == np.float32
        np.testing.assert_array_equal(came["x"], wanted[None])
        np.testing.assert_array_equal(_split(wanted, spec)[0]["x"], wanted[None])


def test_the_models_batch_does_not_matter():
    spec = InputSpec("x", (8, 4), np.float32)
    assert len(_split(ROWS, spec)) == 3


@pytest.mark.parametrize(
    "shape", [(), (5,), (3, 5), (1, 1, 4), (0,)], ids=lambda shape: f"rank{len(shape)}"
)
def test_a_wrong_shape_says_what_came_and_what_was_expected(shape):
    with pytest.raises(UserError, match=r"sample 5 of input 'x' has shape .*expected \(4,\)"):
        _split(np.ones(shape), X)


def test_open_sizes_take_any_but_nothing():
    assert _split(np.ones((7, 9, 3)), IMAGE)[0]["image"].shape == (1, 7, 9, 3)
    with pytest.raises(UserError, match=r"has shape \(0, 9, 3\), expected \(any, any, 3\)"):
        _split(np.ones((0, 9, 3)), IMAGE)


def test_the_sample_in_a_batch_is_named():
    rows = ROWS.copy()
    rows[2, 1] = np.nan
    with pytest.raises(UserError, match=r"sample 7 of input 'x' holds NaN at \[1\]"):
        _split(rows, X)


@pytest.mark.parametrize("keys", ["y", "xy", ""], ids=["other", "extra", "none"])
def test_a_dict_has_exactly_the_names(keys):
    with pytest.raises(UserError, match=r"sample 5 has the keys .*but the inputs are 'x'"):
        _split(dict.fromkeys(keys, ROW), X)


@pytest.mark.parametrize("element", [ROW, [1.0, 2.0], 3, "text"])
def test_one_array_does_not_feed_two_inputs(element):
    with pytest.raises(UserError, match=r"the model has 2 inputs; .*keys 'a', 'b'"):
        _split(element, A, B)


@pytest.mark.parametrize("element", [(), [], (ROW,) * 4, [ROW] * 4])
def test_tuples_of_a_wrong_length_for_one_input(element):
    with pytest.raises(UserError, match=r"sample 5 is a (tuple|list) of [04], .* 1 input"):
        _split(element, X)


def test_labels_beside_two_inputs_must_be_apart():
    with pytest.raises(UserError, match=r"tuple of 3, but the model has 2 input.*\(inputs, labels"):
        _split((*PAIR, LABELS), A, B)


def test_columns_of_a_batch_have_equal_lengths():
    with pytest.raises(UserError, match=r"sample 5 has different .*3 for 'a', 2 for 'b'"):
        _split((np.ones((3, 2)), np.ones(2)), A, B)


@pytest.mark.parametrize(
    "element", [None, "text", b"bytes", object(), ["a"] * 4, [[1, 2], [3]], {"x": {}}, {1, 2}]
)
def test_what_is_no_array_is_a_user_error(element):
    with pytest.raises(UserError, match="sample 5"):
        _split(element, X)


def test_ragged_and_sparse_tensors_say_how_to_make_them_dense():
    with pytest.raises(UserError, match=r"sample 5 of input 'x' is a RaggedTensor; .*to_tensor"):
        _split(tf.ragged.constant([[1.0], [1.0, 2.0]]), X)
    with pytest.raises(UserError, match=r"SparseTensor; .*dense"):
        _split(tf.sparse.from_dense(ROWS), X)


class Stubborn:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("on the GPU")


def test_tensors_that_refuse_conversion():
    with pytest.raises(UserError, match=r"Stubborn that cannot .*on the GPU"):
        _split(Stubborn(), X)


@pytest.mark.parametrize(
    "element, count",
    [
        (ROW, 1),
        (ROWS, 3),
        ((ROWS, LABELS), 3),
        ({"x": ROW}, 1),
        ({"y": ROW}, None),
        (ROW.tolist(), None),
        (np.ones((1, 1, 1)), None),
        ("text", None),
        (tf.TensorSpec([None, 4]), None),
        (tf.TensorSpec([4]), 1),
        (tf.TensorSpec([8, 4]), 8),
        (tf.TensorSpec(None), None),
    ],
)
def test_counting_by_shape(element, count):
    assert sample_count(element, [X]) == count
