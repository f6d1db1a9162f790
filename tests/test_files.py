import os
import stat

import pytest

from tflq import UserError
from tflq._files import check_writable, write_whole


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.tflite"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_an_output_has_the_users_permissions(tmp_path):
    mask = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", b"x")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_missing_folder_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match="could not be written: No such file or directory"):
        write_whole(tmp_path / "gone" / "a", b"x")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_stops_it_leaves_the_old_file_alone(tmp_path, monkeypatch, error):
    path = tmp_path / "a"
    write_whole(path, b"old")

    def stop(_):
        raise error

    monkeypatch.setattr("tflq._files.os.fsync", stop)
    with pytest.raises((UserError, KeyboardInterrupt)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_could_not_be_written_is_refused_up_front(tmp_path, monkeypatch):
    check_writable(tmp_path / "new")
    with pytest.raises(UserError, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(UserError, match="does not exist; make it"):
        check_writable(tmp_path / "gone" / "a")
    monkeypatch.setattr("tflq._files.os.access", lambda *_: False)
    with pytest.raises(UserError, match="cannot be written; choose another"):
        check_writable(tmp_path / "new")
