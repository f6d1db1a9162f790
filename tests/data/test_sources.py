import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tflq import UserError
from tflq.data import DataPath, ImageOptions, InputSpec, data_dtypes, from_path, samples

X = InputSpec("x", (None, 4), np.float32)
Y = InputSpec("y", (None,), np.int32)
IMAGE = InputSpec("image", (None, 6, 8, 3), np.float32)
ROWS = np.arange(12.0).reshape(3, 4)


def _open(path, *inputs, **options):
    return from_path(str(path), inputs, images=ImageOptions(**options))


def _read(path, *inputs, **options):
    return list(samples(_open(path, *inputs, **options), inputs))


@pytest.fixture
def photos(tmp_path):
    """Three grey pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for level in range(3):
        Image.new("RGB", (16, 12), (level * 51,) * 3).save(folder / f"{level}.png")
    return folder


def test_a_folder_of_images_takes_the_models_size(photos):
    came = _read(photos, IMAGE, preset="unit")
    np.testing.assert_allclose([s["image"].mean() for s in came], [0, 0.2, 0.4], rtol=1e-6)
    assert came[0]["image"].shape == (1, 6, 8, 3)


def test_a_folder_of_images_for_an_open_size(photos):
    spec = InputSpec("image", (None, None, None, 3), np.float32)
    with pytest.raises(UserError, match="give image_size"):
        _open(photos, spec)
    assert _read(photos, spec, image_size=(5, 7))[0]["image"].shape == (1, 5, 7, 3)


def test_a_folder_of_images_for_other_inputs(photos):
    with pytest.raises(UserError, match="takes no pictures"):
        _open(photos, X)
    with pytest.raises(UserError, match=r"for one input, but the model has 2 \('image', 'x'\)"):
        _open(photos, IMAGE, X)


def test_an_array_stays_on_disk(tmp_path):
    np.save(tmp_path / "x.npy", ROWS)
    data = _open(tmp_path / "x.npy", X)
    assert isinstance(data, np.memmap)
    found = samples(data, [X])
    assert found.total == 3 and len(list(found)) == len(list(found)) == 3


@pytest.mark.parametrize("name", ["x.NPY", "with space.npy", "[1].npy"])
def test_names_of_files(tmp_path, name):
    with (tmp_path / name).open("wb") as stream:
        np.save(stream, ROWS)
    assert len(_read(tmp_path / name, X)) == 3


def test_an_archive_by_name(tmp_path):
    np.savez(tmp_path / "d.npz", x=ROWS, y=np.arange(3))
    assert [s["y"].tolist() for s in _read(tmp_path / "d.npz", Y, X)] == [[0], [1], [2]]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_of_one_array_needs_no_name(tmp_path, save):
    save(tmp_path / "d.npz", ROWS)
    np.testing.assert_array_equal(_read(tmp_path / "d.npz", X)[2]["x"], ROWS[2:])


def test_an_archive_with_other_names(tmp_path):
    np.savez(tmp_path / "d.npz", x_train=ROWS, y_train=np.arange(3))
    with pytest.raises(UserError, match="has the keys 'x_train', 'y_train', but the inputs are"):
        _read(tmp_path / "d.npz", X)


def test_python_objects_are_never_unpickled(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    objects = np.array([Evil()], object)
    np.save(tmp_path / "o.npy", objects)
    np.savez(tmp_path / "o.npz", x=objects)
    for name in ("o.npy", "o.npz"):
        with pytest.raises(UserError, match=f"{name}' cannot be read"):
            _open(tmp_path / name, X)
    assert not (tmp_path / "evil").exists()


def test_one_kind_under_the_name_of_the_other(tmp_path):
    np.savez(tmp_path / "a.npz", ROWS)
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(UserError, match=r"a\.npy' is a \.npz archive"):
        _open(tmp_path / "a.npy", X)
    np.save(tmp_path / "b.npy", ROWS)
    (tmp_path / "b.npy").rename(tmp_path / "b.npz")
    with pytest.raises(UserError, match=r"b\.npz' cannot be read"):
        _open(tmp_path / "b.npz", X)


def test_an_archive_with_another_file_inside(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(UserError, match=r"holds 'notes\.txt', which is no array"):
        _open(tmp_path / "d.npz", X)


@pytest.mark.parametrize("spec", ["", "nowhere", "nowhere.npy", "a/b:c", "x\0y", "x" * 5000])
def test_what_does_not_exist(spec):
    with pytest.raises(UserError, match=r"does not exist; give a folder of images, a .npy"):
        _open(spec, X)


def test_what_is_not_known(tmp_path):
    (tmp_path / "data.csv").write_text("1,2")
    with pytest.raises(UserError, match=r"data\.csv' is of no kind that is known; give a folder"):
        _open(tmp_path / "data.csv", X)


def test_pipes_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "x.npy")
    with pytest.raises(UserError, match="of no kind"):
        _open(tmp_path / "x.npy", X)


def test_globs(tmp_path):
    with pytest.raises(UserError, match="matches no file"):
        _open(tmp_path / "*.tfrecord", X)
    np.save(tmp_path / "x.npy", ROWS)
    with pytest.raises(UserError, match=r"matches '.*x\.npy', which is no \.tfrecord"):
        _open(tmp_path / "*", X)


@pytest.mark.parametrize(
    "name", ["a.tfrecord", "a.tfrecords", "a.tfrecord-00000-of-00001", "train-00000-of-01024"]
)
def test_names_of_record_files(tmp_path, name):
    import tensorflow as tf

    feature = {"y": tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))}
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    with tf.io.TFRecordWriter(str(tmp_path / name)) as writer:
        writer.write(example.SerializeToString())
    for spec in (name, f"{name[:3]}*", f"**/{name}"):
        assert _read(tmp_path / spec, Y)[0]["y"].tolist() == [7]


def test_a_data_path_is_data(photos):
    path = DataPath(spec=str(photos), images=ImageOptions(image_size=(6, 8)))
    found = samples(path, [IMAGE])
    assert found.total == 3 and len(list(found)) == 3


def test_a_data_path_has_default_options():
    assert DataPath(spec="photos").images == ImageOptions()


def _damage(draw, content):
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    del content[draw(st.integers(0, len(content))) :]
    return bytes(content)


@given(st.sampled_from(["r.npy", "r.npz"]), st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_files_give_samples_or_a_user_error(tmp_path_factory, name, data):
    folder = tmp_path_factory.getbasetemp()
    np.save(folder / "r.npy", ROWS)
    np.savez_compressed(folder / "r.npz", x=ROWS)
    random = data.draw(st.booleans())
    path = folder / name
    content = data.draw(st.binary()) if random else _damage(data.draw, path.read_bytes())
    path.write_bytes(content)
    try:
        assert all(sample["x"].shape == (1, 4) for sample in _read(path, X))
        data_dtypes(DataPath(spec=str(path)))
    except UserError:
        pass


@given(st.text(max_size=20))
@settings(max_examples=50, deadline=None)
def test_whatever_text_comes_only_user_errors_go(spec):
    # Only folders of pictures could be found by chance, and there are none here.
    with pytest.raises(UserError):
        _open("tflq-no-such-" + spec, IMAGE)
