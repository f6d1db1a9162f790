import itertools
import subprocess
import sys

import hypothesis.extra.numpy as hnp
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import given
from hypothesis import strategies as st

from tflq import UserError
from tflq.data import InputSpec, samples

X = InputSpec("x", (None, 4), np.float32)
A = InputSpec("a", (None, 2), np.float32)
B = InputSpec("b", (None,), np.int32)
ROWS = np.arange(20.0).reshape(5, 4)
LABELS = np.arange(5)


class Batches:
    """Two batches with labels, for either Keras."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(3 * index, 3 * index + 3)
        return ROWS[part], LABELS[part]


class KerasDataset(Batches, keras.utils.PyDataset):
    pass


class LegacyDataset(Batches, tf_keras.utils.Sequence):
    pass


def _batched_pairs():
    yield ROWS[:3], LABELS[:3]
    yield ROWS[3:], LABELS[3:]


DATASET = tf.data.Dataset.from_tensor_slices
SOURCES = {
    "array": ROWS,
    "uint8": ROWS.astype(np.uint8),
    "fortran": np.asfortranarray(ROWS),
    "tensor": tf.constant(ROWS),
    "variable": tf.Variable(ROWS),
    "keras variable": keras.Variable(ROWS),
    "columns": {"x": ROWS},
    "column of rows": {"x": list(ROWS)},
    "list of rows": list(ROWS),
    "list of numbers": ROWS.tolist(),
    "list of batches": [ROWS[:2], ROWS[2:]],
    "list of dicts": [{"x": row} for row in ROWS],
    "list of pairs": list(zip(ROWS, LABELS, strict=True)),
    "x and y": (ROWS, LABELS),
    "generator": (row for row in ROWS),
    "function": lambda: iter(ROWS),
    "generator function": _batched_pairs,
    "dataset": DATASET(ROWS),
    "dataset of batches": DATASET(ROWS).batch(2),
    "dataset of pairs": DATASET((ROWS, LABELS)).batch(2),
    "dataset of dicts": DATASET(({"x": ROWS}, LABELS)).batch(2),
    "dataset of dicts alone": DATASET({"x": ROWS}),
    "numpy iterator": DATASET(ROWS).as_numpy_iterator(),
    "PyDataset": KerasDataset(),
    "Sequence": LegacyDataset(),
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_samples(source):
    found = samples(SOURCES[source], [X])
    came = list(found)
    assert found.total in (None, 5)
    assert [list(sample) for sample in came] == [["x"]] * 5
    for sample, row in zip(came, ROWS, strict=True):
        assert sample["x"].flags.c_contiguous and sample["x"].dtype == np.float32
        np.testing.assert_array_equal(sample["x"], row[None])


@pytest.mark.parametrize("source", sorted(set(SOURCES) - {"generator", "numpy iterator"}))
def test_sources_can_be_read_again(source):
    found = samples(SOURCES[source], [X])
    assert len(list(found)) == len(list(found)) == 5


def test_a_generator_is_read_once():
    found = samples((row for row in ROWS), [X])
    list(found)
    with pytest.raises(UserError, match=r"a list, a tf.data.Dataset or a function that returns"):
        list(found)


def test_several_inputs_keep_their_dtypes():
    data = {"b": np.arange(3), "a": np.ones((3, 2))}
    came = list(samples(data, [A, B]))
    assert [list(sample) for sample in came] == [["a", "b"]] * 3
    assert {name: value.dtype for name, value in came[2].items()} == {
        "a": np.float32,
        "b": np.int32,
    }
    assert came[2]["b"].tolist() == [2]


def test_a_dataset_of_two_inputs():
    pairs = DATASET((np.ones((3, 2)), np.arange(3)))
    for dataset in (pairs, pairs.batch(2), pairs.map(lambda a, b: ((a, b), 1)).batch(2)):
        assert [s["b"].tolist() for s in samples(dataset, [A, B])] == [[0], [1], [2]]


@given(
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
    st.integers(1, 5),
    st.sampled_from(["float32", "float64", "uint8", "int64", "bool"]),
    st.sampled_from(["float32", "float16"]),
)
def test_any_shape_and_dtype_comes_back(shape, count, came, wanted):
    array = np.random.default_rng(0).integers(0, 2, (count, *shape)).astype(came)
    spec = InputSpec("x", (None, *shape), wanted)
    found = samples(array, [spec])
    assert found.total == count
    joined = np.concatenate([sample["x"] for sample in found])
    assert joined.dtype == wanted
    np.testing.assert_array_equal(joined, array.astype(wanted))


@given(hnp.arrays(st.sampled_from(["f4", "i8", "U1", "c8"]), hnp.array_shapes(min_dims=0)))
def test_whatever_array_comes_only_user_errors_go(array):
    try:
        came = list(samples(array, [X]))
    except UserError:
        return
    assert all(sample["x"].shape == (1, 4) for sample in came)


def test_an_endless_generator_is_read_as_far_as_asked():
    taken = []
    endless = (taken.append(i) or ROWS[0] for i in itertools.count())
    assert len(list(itertools.islice(samples(endless, [X]), 3))) == 3
    assert len(taken) == 3


def test_a_generator_is_not_kept():
    import tracemalloc

    large = InputSpec("x", (None, 1 << 18), np.float32)
    tracemalloc.start()
    for _ in samples((np.ones(1 << 18, np.float32) for _ in range(50)), [large]):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * (1 << 20)


def test_what_the_caller_keeps_does_not_change():
    buffer = np.zeros(4, np.float32)

    def reusing():
        for value in range(3):
            buffer[:] = value
            yield buffer

    assert [sample["x"][0, 0] for sample in list(samples(reusing, [X]))] == [0, 1, 2]


@pytest.mark.parametrize(
    "data",
    [
        [],
        (),
        {"x": []},
        np.zeros((0, 4)),
        iter([]),
        lambda: [],
        DATASET(ROWS).take(0),
        [np.zeros((0, 4))],
        ROWS[:0],
    ],
)
def test_no_sample_at_all(data):
    with pytest.raises(UserError, match="data yields no sample; give at least one"):
        list(samples(data, [X]))


def test_the_index_counts_samples_and_not_batches():
    bad = ROWS.copy()
    bad[1, 2] = np.nan
    with pytest.raises(UserError, match=r"sample 6 of input 'x' holds NaN at \[2\]"):
        list(samples([ROWS, bad], [X]))


@pytest.mark.parametrize("what", ["list", "array", "dataset"])
def test_the_bad_sample_is_named(what):
    rows = ROWS.copy()
    rows[3, 0] = np.inf
    data = {"list": list(rows), "array": rows, "dataset": DATASET(rows).batch(2)}[what]
    with pytest.raises(UserError, match=r"sample 3 of input 'x' holds infinity at \[0\]"):
        list(samples(data, [X]))


def test_strings_are_refused():
    for data in (np.array(["a", "b"]), DATASET(["a", "b"]), [b"a"]):
        with pytest.raises(UserError, match=r"sample 0 of input 'x'.*no real numbers"):
            list(samples(data, [InputSpec("x", (None,), np.float32)]))


def test_a_ragged_dataset_is_refused():
    ragged = DATASET(tf.ragged.constant([[1.0], [1.0, 2.0]])).batch(2)
    with pytest.raises(UserError, match="RaggedTensor"):
        list(samples(ragged, [X]))


def test_a_users_own_exception_is_left_alone():
    def failing():
        yield ROWS[0]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(samples(failing, [X]))


def test_a_model_without_inputs_takes_no_data():
    with pytest.raises(UserError, match="no inputs"):
        samples(ROWS, [])


def test_nothing_heavy_is_imported():
    code = (
        "import sys, numpy as np\n"
        "from tflq.data import InputSpec, samples\n"
        "list(samples(lambda: iter(np.ones((2, 4))), [InputSpec('x', (None, 4), 'f4')]))\n"
        "print({'tensorflow', 'keras', 'PIL', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
