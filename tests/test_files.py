"""Outputs appear whole, and never in the place of what is no file."""

import os
import resource
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from as_nobody import run_as_nobody

from tflq import UserError
from tflq._files import (
    check_writable,
    hidden_name,
    is_replaced,
    make_folder,
    read_own,
    write_own,
    write_whole,
)
from tflq._flock import lock

IMPORTS = "import os, sys; from tflq import UserError; from tflq._files import *"
BOTH = pytest.mark.parametrize("write", [check_writable, lambda path: write_whole(path, b"new")])


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


def test_the_umask_is_not_touched(tmp_path, monkeypatch):
    # It is the whole process's: another thread would make files that all can write.
    monkeypatch.setattr(os, "umask", None)
    write_whole(tmp_path / "a", b"x")
    write_whole(tmp_path / "a", b"y")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_file_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "a"
    path.touch()
    path.chmod(mode)
    write_whole(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "a"
    path.touch()
    os.chown(path, 1234, 4321)
    write_whole(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_a_group_that_cannot_be_kept_gives_another_no_rights(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.touch()
    path.chmod(0o664)
    found = path.stat()
    other = os.stat_result([*found[:5], found.st_gid + 1, *found[6:]])
    monkeypatch.setattr("tflq._files._found", lambda _: other)

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    write_whole(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@BOTH
def test_a_write_protected_file_stays(tmp_path, write):
    script = (
        "try: check_writable('a') if sys.argv[1] == 'check' else write_whole('a', b'new')\n"
        "except UserError as error: print(error)"
    )
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o444)
    which = "check" if write is check_writable else "write"
    done = run_as_nobody(IMPORTS, script, tmp_path, which)
    assert done.stdout == ("output 'a' is write-protected; remove it, or choose another name.\n"), (
        done.stderr
    )
    assert path.read_bytes() == b"old"


def test_a_folder_that_cannot_be_written_is_refused_up_front(tmp_path):
    script = (
        "os.chmod('.', 0o555)\n"
        "for verb in check_writable, lambda path: write_whole(path, b''):\n"
        "    try: verb('a')\n"
        "    except UserError as error: print(error)\n"
        "os.chmod('.', 0o755)"
    )
    done = run_as_nobody(IMPORTS, script, tmp_path)
    assert done.stdout.splitlines() == [
        "folder '.' cannot be written; choose another one.",
        "'a' could not be written: Permission denied; free space or choose another folder.",
    ], done.stderr


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
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="Not a directory"):
        check_writable(tmp_path / "file" / "a")
    monkeypatch.setattr("tflq._files.os.access", lambda *_: False)
    with pytest.raises(UserError, match="cannot be written; choose another"):
        check_writable(tmp_path / "new")


@BOTH
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "output '' names no file"),
        (".", "output '.' is a folder"),
        ("new/", "output 'new/' names a folder"),
        ("file/", "output 'file/' names a folder"),
        ("a\0b", r"output 'a\\x00b' cannot be written: embedded null (byte|character)"),
        ("a" * 256, "cannot be written: File name too long; choose another name"),
        ("\ud800", r"output '\\ud800' cannot be written"),
        ("loop", "output 'loop' cannot be written: Too many levels of symbolic links"),
        ("dangling", "output 'dangling' cannot be written: it is a link to 'gone', which"),
        ("pipe", "output 'pipe' is a named pipe, no file; give the name of a file, or /dev/stdout"),
        ("socket", "output 'socket' is a socket, no file"),
        ("/dev/fd/99", "cannot be written: Bad file descriptor"),
    ],
)
def test_what_is_no_file_is_refused_in_one_sentence(tmp_path, monkeypatch, write, name, words):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("loop").symlink_to("loop")
    Path("dangling").symlink_to("gone")
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        before = set(Path().iterdir())
        with pytest.raises(UserError, match=words):
            write(name)
    assert set(Path().iterdir()) == before


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, os.fsdecode(b"\xff.tflite")])
def test_any_name_that_a_file_can_have_is_written(tmp_path, name):
    path = tmp_path / name
    check_writable(path)
    write_whole(path, b"new")
    write_whole(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert list(tmp_path.iterdir()) == [path]


def test_hidden_names_are_no_longer_than_names_may_be():
    assert hidden_name("a.tflite", ".rounding") == ".a.tflite.rounding"
    long = {hidden_name("a" * 250 + end, ".rounding") for end in "bc"}
    assert len(long) == 2
    assert all(len(name) <= 255 and name.endswith(".rounding") for name in long)


def test_links_are_followed_and_stay(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "real", tmp_path / "link"
    target.write_bytes(b"old")
    (tmp_path / "middle").symlink_to("far/real")
    link.symlink_to("middle")
    check_writable(link)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


def test_other_hard_links_keep_what_they_had(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    (tmp_path / "b").hardlink_to(path)
    write_whole(path, b"new")
    assert (tmp_path / "b").read_bytes() == b"old"


def test_devices_are_written_to():
    device = Path("/dev/null")
    before = device.stat()
    check_writable("/dev/null")
    write_whole("/dev/null", b"gone")
    assert not is_replaced("/dev/null")
    assert device.stat().st_ino == before.st_ino
    assert stat.S_ISCHR(device.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_full_device_is_told():
    with pytest.raises(UserError, match="'/dev/full' could not be written: No space left"):
        write_whole("/dev/full", b"x")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


PRINTED = "print('before'); {}; print('after')"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_standard_output_gets_it_in_its_turn(tmp_path, name, kind):
    call = f"from tflq._files import *; check_writable({name!r}); write_whole({name!r}, b'it\\n')"
    command = [sys.executable, "-c", PRINTED.format(call)]
    if kind == "pipe":
        came = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    else:
        with (tmp_path / "out").open("wb") as out:
            subprocess.run(command, stdout=out, check=True)
        came = (tmp_path / "out").read_bytes()
    assert came == b"before\nit\nafter\n"


def test_a_stream_that_is_only_read_is_refused():
    reading, writing = os.pipe()
    try:
        with pytest.raises(UserError, match="it is open for reading only"):
            check_writable(f"/dev/fd/{reading}")
        write_whole(f"/dev/fd/{writing}", b"through")
        assert os.read(reading, 100) == b"through"
    finally:
        os.close(reading)
        os.close(writing)


KILLED = """
import os, signal, sys
from tflq import _files
_files.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
_files.write_whole(sys.argv[1], b"new")
"""


def test_what_a_killed_program_left_goes_with_the_next(tmp_path):
    path = tmp_path / "a.tflite"
    path.write_bytes(b"old")
    subprocess.run([sys.executable, "-c", KILLED, str(path)])
    assert len(list(tmp_path.iterdir())) == 2
    assert path.read_bytes() == b"old"
    write_whole(path, b"newer")
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_being_written_or_anothers_is_left(tmp_path):
    path = tmp_path / "a"
    writing = tmp_path / ".a.0123abcd.part"
    others = [".b.0123abcd.part", ".a.rounding", ".a.0123abcd.part.gz", "a.0123abcd.part"]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / ".a.00000000.part").mkdir()
    (tmp_path / ".a.11111111.part").symlink_to(".b.0123abcd.part")
    before = {entry.name for entry in tmp_path.iterdir()}
    with writing.open("w") as stream:
        assert lock(stream.fileno(), writing)
        write_whole(path, b"new")
        assert writing.exists()
    write_whole(path, b"new")
    assert {entry.name for entry in tmp_path.iterdir()} == before | {"a"}


def test_many_writers_of_one_file_leave_one_of_their_contents(tmp_path):
    path = tmp_path / "a"
    contents = [bytes([65 + n]) * 100_000 for n in range(4)]

    def write(content):
        for _ in range(20):
            write_whole(path, content)
            assert path.read_bytes() in contents

    failed = []
    threads = [threading.Thread(target=_noted, args=(write, c, failed)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert list(tmp_path.iterdir()) == [path]


def _noted(function, argument, failed):
    try:
        function(argument)
    except BaseException as error:
        failed.append(error)


LIMITED = """
import sys
from tflq import UserError
from tflq._files import write_whole
try:
    write_whole(sys.argv[1], b"x" * 100_000)
except UserError as error:
    print(error)
"""


def test_a_file_larger_than_allowed_leaves_the_old_one(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert "could not be written: File too large; free space" in done.stdout, done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_own_files_are_neither_read_nor_written_through_links(tmp_path):
    own, precious = tmp_path / "own", tmp_path / "precious"
    precious.write_bytes(b"precious")
    own.symlink_to(precious)
    assert read_own(own, 100) is None
    write_own(own, b"mine")
    assert precious.read_bytes() == b"precious"
    assert read_own(own, 100) == b"mine"
    assert read_own(own, 3) is None
    own.unlink()
    assert read_own(own, 3) is None


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_own_files_take_the_place_of_what_is_none(tmp_path, make):
    own = tmp_path / "own"
    make(own)
    assert read_own(own, 100) is None
    write_own(own, b"mine")
    assert read_own(own, 100) == b"mine"


@pytest.mark.parametrize("name", ["file", "file/in", "a\0b", "dangling", "a" * 256])
def test_what_cannot_be_a_folder_is_told(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("dangling").symlink_to("gone")
    with pytest.raises(UserError, match=r"cannot be made: .*; choose another one"):
        make_folder(name)
