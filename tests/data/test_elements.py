import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tflq import UserError
from tflq.data import InputSpec
from tflq.data._elements import is_array, is_indexed, open_elements

X = InputSpec("x", (None, 4), np.float32)
A = InputSpec("a", (None, 2), np.float32)
B = InputSpec("b", (None,), np.float32)
ROWS = np.arange(12.0).reshape(3, 4)


class Disk:
    """An array on disk, as h5py has them; counts what is read."""

    shape = (1000, 4)

    def __init__(self):
        self.read = 0

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("read as a whole")

    def __len__(self):
        return 1000

    def __getitem__(self, place):
        part = np.ones(self.shape)[place]
        self.read += len(part)
        return part


def test_arrays_are_read_by_sample():
    disk = Disk()
    elements = open_elements(disk, [X])
    assert elements.total == 1000 and disk.read == 0
    next(elements.read())
    assert disk.read == 1


def test_columns_are_read_by_sample():
    columns = {"a": np.ones((5, 2)), "b": [1.0, 2.0, 3.0, 4.0, 5.0]}
    elements = open_elements(columns, [A, B])
    assert elements.total == 5
    assert [element["b"] for element in elements.read()] == columns["b"]


def test_one_sample_needs_no_batch_dimension():
    assert open_elements(ROWS[0], [X]).total == 1
    assert open_elements({"a": np.ones(2), "b": np.array(1.0)}, [A, B]).total == 1


@pytest.mark.parametrize("shape", [(), (2, 3, 4)])
def test_an_array_of_another_rank_is_refused_at_once(shape):
    with pytest.raises(UserError, match=r"data has shape .*, expected \(samples, 4\)"):
        open_elements(np.ones(shape), [X])


def test_the_input_of_a_wrong_column_is_named():
    with pytest.raises(UserError, match=r"data of input 'b' has shape .*, expected \(samples,\)"):
        open_elements({"a": np.ones((5, 2)), "b": np.ones((5, 1))}, [A, B])


def test_columns_have_exactly_the_names_and_equal_lengths():
    with pytest.raises(UserError, match="data has the keys 'a', 'c', but the inputs are 'a', 'b'"):
        open_elements({"a": np.ones((5, 2)), "c": np.ones(5)}, [A, B])
    with pytest.raises(UserError, match="5 for 'a', 4 for 'b'"):
        open_elements({"a": np.ones((5, 2)), "b": np.ones(4)}, [A, B])


def test_one_array_for_two_inputs_asks_for_a_dict():
    with pytest.raises(UserError, match=r"data is one array.*2 inputs.*'a', 'b'"):
        open_elements(np.ones((5, 2)), [A, B])


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_arrays_is_a_list_of_columns_for_several_inputs(kind):
    elements = open_elements(kind([np.ones((2, 2)), np.arange(2.0)]), [A, B])
    assert elements.total == 2
    assert [element["b"].tolist() for element in elements.read()] == [[0], [1]]


def test_a_list_of_pairs_is_a_list_of_elements():
    pairs = [(np.ones(2), np.array(1.0))] * 2
    assert list(open_elements(pairs, [A, B]).read()) == pairs


@pytest.mark.parametrize("kind", [list, tuple])
def test_two_batches_of_one_input_are_elements(kind):
    assert open_elements(kind([ROWS, ROWS]), [X]).total == 6


@pytest.mark.parametrize("labels", [(np.arange(3),), (np.eye(3), np.ones(3)), (["cat"] * 3,)])
@pytest.mark.parametrize("x", [ROWS, {"x": ROWS}])
def test_labels_of_a_tuple_of_everything_are_dropped(x, labels):
    elements = open_elements((x, *labels), [X])
    assert elements.total == 3 and all("x" in element for element in elements.read())


def test_labels_beside_columns_are_dropped():
    elements = open_elements(([np.ones((3, 2)), np.ones(3)], np.arange(3)), [A, B])
    assert elements.total == 3


def test_totals_of_lists():
    assert open_elements([ROWS[0], ROWS], [X]).total == 4
    assert open_elements([ROWS[0], "odd"], [X]).total is None


def test_iterables_have_no_total_and_generators_one_shot():
    once = open_elements((row for row in ROWS), [X])
    assert once.one_shot and once.total is None
    again = open_elements({0: ROWS}.values(), [X])
    assert not again.one_shot and len(list(again.read())) == len(list(again.read())) == 1


@pytest.mark.parametrize(
    "make, total",
    [
        (lambda ds: ds, 3),
        (lambda ds: ds.batch(2), None),
        (lambda ds: ds.batch(2, drop_remainder=True), 2),
        (lambda ds: ds.map(lambda x: (x, 1)), 3),
        (lambda ds: ds.filter(lambda x: True), None),
    ],
)
def test_totals_of_tensorflow_datasets(make, total):
    assert open_elements(make(tf.data.Dataset.from_tensor_slices(ROWS)), [X]).total == total


def test_an_endless_dataset_is_refused():
    with pytest.raises(UserError, match=r"repeats forever; give data\.take\(n\)"):
        open_elements(tf.data.Dataset.from_tensors(ROWS[0]).repeat(), [X])


class Indexed:
    """What Keras's datasets have in common; has no end of its own."""

    def __getitem__(self, index):
        return ROWS + index, np.arange(3)


class Sized(Indexed):
    def __len__(self):
        return 2


class Numbered(Indexed):
    num_batches = 2


class Endless(Indexed):
    num_batches = None


@pytest.mark.parametrize("kind", [Sized, Numbered])
def test_indexed_datasets_end_where_they_say(kind):
    assert is_indexed(kind()) and not is_indexed(Indexed())
    elements = open_elements(kind(), [X])
    assert len(list(elements.read())) == 2 and not elements.one_shot


def test_an_endless_indexed_dataset_is_refused():
    with pytest.raises(UserError, match="num_batches=None"):
        open_elements(Endless(), [X])


@pytest.mark.parametrize("result", [ROWS, list(ROWS), {"x": ROWS}, iter([ROWS]), Sized()])
def test_functions_return_any_data(result):
    assert next(open_elements(lambda: result, [X]).read()) is not None


def test_functions_are_called_when_they_are_read():
    calls = []
    elements = open_elements(lambda: calls.append(1) or [ROWS], [X])
    assert not calls
    list(elements.read()), list(elements.read())
    assert len(calls) == 2


def test_a_class_is_called_rather_than_read():
    assert len(list(open_elements(Sized, [X]).read())) == 2


def test_functions_without_a_signature_are_called():
    with pytest.raises(UserError, match=r"data\(\) has the keys \(none\)"):
        open_elements(dict, [X]).read()


def test_functions_take_no_arguments():
    with pytest.raises(UserError, match="a function that needs arguments"):
        open_elements(lambda path: ROWS, [X])


@pytest.mark.parametrize("result", [None, lambda: ROWS, 3, "text"])
def test_functions_return_data(result):
    with pytest.raises(UserError, match=r"data\(\)"):
        open_elements(lambda: result, [X]).read()


@pytest.mark.parametrize("data", [None, 3, object()])
def test_what_is_no_data_lists_what_is(data):
    with pytest.raises(UserError, match=f"data is a {type(data).__name__}; give an array"):
        open_elements(data, [X])


@pytest.mark.parametrize("data", ["photos", pathlib.Path("photos")])
def test_paths_say_how_to_wrap_them(data):
    with pytest.raises(UserError, match=r"photos.*DataPath"):
        open_elements(data, [X])


def test_ragged_tensors_are_refused_at_once():
    with pytest.raises(UserError, match="RaggedTensor"):
        open_elements(tf.ragged.constant([[1.0], [1.0, 2.0]]), [X])


def test_symbolic_tensors_are_refused_at_once():
    import keras

    for size in (2, None):
        with pytest.raises(UserError, match="data is a KerasTensor that cannot"):
            open_elements(keras.Input((4,), batch_size=size), [X])


def test_arrays_are_recognised_by_their_protocol():
    import PIL.Image

    assert is_array(ROWS) and is_array(tf.constant(1)) and is_array(PIL.Image.new("L", (1, 1)))
    assert not is_array([1.0]) and not is_array({}) and not is_array("text")
