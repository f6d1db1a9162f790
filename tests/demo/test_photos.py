import importlib.metadata
import sys
from pathlib import PurePosixPath

import pytest
from PIL import Image

from tflq import UserError
from tflq.demo import labelled_photos


def test_each_photo_has_the_label_in_its_name():
    photos = labelled_photos()
    assert [path.name for path, _ in photos] == [
        f"imagenet_{place:02}_{label}.jpg" for place, (_, label) in enumerate(photos)
    ]
    assert len(photos) == 20
    assert all(0 <= label < 1000 for _, label in photos)


def test_photos_open():
    for path, _ in labelled_photos():
        with Image.open(path) as photo:
            assert min(photo.size) >= 224


def test_the_package_is_not_imported(monkeypatch):
    # None makes every import of it fail.
    monkeypatch.setitem(sys.modules, "foolbox", None)
    assert len(labelled_photos()) == 20


def test_an_absent_package_names_the_extra(monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", absent)
    with pytest.raises(UserError, match=r"'foolbox'.*tflq\[demo\]"):
        labelled_photos()


class _File(PurePosixPath):
    def locate(self):
        return f"/site/{self}"


@pytest.mark.parametrize("files", [None, [], ["cifar10_00_3.png", "imagenet_00_x.jpg", "a.py"]])
def test_a_package_without_photos_is_as_good_as_absent(files, monkeypatch):
    found = None if files is None else [_File(name) for name in files]
    monkeypatch.setattr(importlib.metadata, "files", lambda name: found)
    with pytest.raises(UserError, match="foolbox"):
        labelled_photos()


def test_photos_come_in_the_order_of_their_names(monkeypatch):
    files = [_File(f"imagenet_{name}.jpg") for name in ("01_5", "00_7")]
    monkeypatch.setattr(importlib.metadata, "files", lambda name: files)
    assert [label for _, label in labelled_photos()] == [7, 5]
