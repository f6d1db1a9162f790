import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tflq import UserError
from tflq.data import InputSpec, image_folder, samples


@pytest.fixture
def folder(tmp_path):
    """Grey pictures whose level is their place in the order of names."""
    names = ["a.png", "b.JPG", "b/a.jpeg", "c.bmp", "d/e/f.webp"]
    for level, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (20 + level, 16), (10 * level,) * 3)
        image.save(tmp_path / name, lossless=True)
    return tmp_path


def _levels(images):
    return [int(image.mean().round()) // 10 for image in images]


def test_pictures_come_in_the_order_of_names_with_subfolders(folder):
    images = image_folder(folder, image_size=8)
    assert len(images) == 5
    assert sorted(_levels(images)) == [0, 1, 2, 3, 4]
    relative = [str(path.relative_to(folder)) for path in images._files]
    assert relative == ["a.png", "b/a.jpeg", "b.JPG", "c.bmp", "d/e/f.webp"]


def test_every_iteration_reads_anew(folder):
    images = image_folder(str(folder), image_size=8)
    assert _levels(images) == _levels(images)
    shutil.copy(folder / "d/e/f.webp", folder / "a.png")
    assert _levels(images)[0] == 4


def test_arrays_have_the_size_asked_for(folder):
    image = next(iter(image_folder(folder, image_size=(6, 9))))
    assert image.shape == (6, 9, 3) and image.dtype == np.float32


def test_preparation(folder):
    images = image_folder(
        folder, image_size=4, crop=0.5, mean=[1, 2, 3], scale=2, resample="lanczos", bgr=True
    )
    np.testing.assert_allclose(next(iter(images))[0, 0], [-0.5, -1, -1.5])


def test_pictures_are_samples(folder):
    spec = InputSpec("image", (None, 8, 8, 3), np.uint8)
    found = samples(image_folder(folder, image_size=8), [spec])
    assert found.total == 5
    assert len(list(found)) == len(list(found)) == 5
    assert next(iter(found))["image"].dtype == np.uint8


def test_pictures_are_read_one_at_a_time(folder):
    (folder / "c.bmp").write_bytes(b"damaged")
    images = iter(image_folder(folder, image_size=8))
    for _ in range(3):
        next(images)
    with pytest.raises(UserError, match=r"image '.*c\.bmp' cannot be read as a picture"):
        next(images)


def test_other_and_hidden_files_are_left_out(folder):
    for name in ("notes.txt", "labels.csv", "._a.png", ".cache/x.png", "noname"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no picture")
    assert len(image_folder(folder, image_size=8)) == 5


def test_a_folder_with_a_pictures_name(folder):
    (folder / "z.png").mkdir()
    assert len(image_folder(folder, image_size=8)) == 5


def test_a_loop_of_links_ends(folder):
    (folder / "d/again").symlink_to(folder, target_is_directory=True)
    (folder / "itself").symlink_to(folder / "itself")
    assert len(image_folder(folder, image_size=8)) == 5


def test_links_to_pictures_are_followed(folder):
    (folder / "z.png").symlink_to(folder / "a.png")
    assert len(image_folder(folder, image_size=8)) == 6


def test_folders_deeper_than_pythons_stack(tmp_path):
    folder = tmp_path
    for _ in range(1200):
        folder /= "a"
        folder.mkdir()
    Image.new("RGB", (4, 4)).save(folder / "a.png")
    assert len(image_folder(tmp_path, image_size=8)) == 1
    while folder != tmp_path:
        for file in folder.iterdir():
            file.unlink() if file.is_file() else file.rmdir()
        folder = folder.parent


def test_folders_of_too_many_files(folder, monkeypatch):
    monkeypatch.setattr("tflq.data._images.FOLDER_ENTRIES", 5)
    with pytest.raises(UserError, match="holds more than 5 files"):
        image_folder(folder, image_size=8)


def _pipe(path):
    os.mkfifo(path)


def _socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [_pipe, _socket, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_named_and_does_not_hang(make, tmp_path, monkeypatch):
    # A socket's path has room for some hundred characters.
    monkeypatch.chdir(tmp_path)
    make(Path("a.png"))
    with pytest.raises(UserError, match=r"image 'a\.png' cannot be read"):
        list(image_folder(".", image_size=8))


@pytest.mark.parametrize("size", [0, 100])
def test_truncated_pictures_are_named(folder, size):
    content = (folder / "b.JPG").read_bytes()
    (folder / "b.JPG").write_bytes(content[:size])
    with pytest.raises(UserError, match=r"image '.*b\.JPG' cannot be read"):
        list(image_folder(folder, image_size=8))


def test_a_vanished_picture_is_named(folder):
    images = image_folder(folder, image_size=8)
    (folder / "a.png").unlink()
    with pytest.raises(UserError, match=r"a\.png' cannot be read"):
        list(images)


def test_empty_and_missing_folders(tmp_path):
    with pytest.raises(UserError, match=r"holds no picture; give one with \.jpg"):
        image_folder(tmp_path, image_size=8)
    with pytest.raises(UserError, match=r"'.*none' does not exist"):
        image_folder(tmp_path / "none", image_size=8)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read(folder):
    (folder / "d").chmod(0)
    with pytest.raises(UserError, match="cannot be read"):
        image_folder(folder, image_size=8)
    (folder / "d").chmod(0o755)


def test_a_folder_that_fails_while_it_is_listed(folder, monkeypatch):
    def failing(path):
        raise PermissionError(13, "Permission denied", str(folder / "d"))

    monkeypatch.setattr("tflq.data._images.os.scandir", failing)
    with pytest.raises(UserError, match=r"d' cannot be read \(Permission denied\)"):
        image_folder(folder, image_size=8)


@pytest.mark.parametrize("bad", [{"image_size": 0}, {"crop": 2.0}, {"scale": 0}, {"resample": "x"}])
def test_bad_values_fail_before_any_reading(folder, bad):
    with pytest.raises(UserError, match=next(iter(bad))):
        image_folder(folder, **{"image_size": 8, **bad})
