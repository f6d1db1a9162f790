"""Temporary folders go with their program, however that ends."""

import gc
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tflq import UserError, _run_folder
from tflq._lock import locked
from tflq._run_folder import RunFolder, all_temporaries, remove_leftovers

START = """
import os, sys, time
from tflq._run_folder import RunFolder
folder = RunFolder()
open(os.path.join(folder.name, "big"), "w").close()
print(folder.name, flush=True)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A temporary folder of the system, and a process that has none of its own yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(_run_folder, "_process", _run_folder._Process())
    return tmp_path


def started(script):
    process = subprocess.Popen(
        [sys.executable, "-c", START + script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    name = process.stdout.readline().strip()
    assert Path(name, "big").exists()
    return process, Path(name)


def killed(process):
    process.kill()
    process.communicate()


def test_a_folder_is_private_and_goes_in_many_ways(place):
    with RunFolder() as name:
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o700
        assert stat.S_IMODE(Path(name).parent.stat().st_mode) == 0o700
        assert Path(name).parent.name.startswith(f"tflq-{os.getpid()}-")
    assert not Path(name).exists()
    kept = RunFolder()
    name = kept.name
    del kept
    gc.collect()
    assert not Path(name).exists()


def test_it_goes_with_the_program(place):
    process, folder = started("input()")
    process.communicate("\n")
    assert not folder.parent.exists()


def test_what_a_killed_program_left_goes_with_the_next(place):
    process, folder = started("time.sleep(60)")
    remove_leftovers()
    assert folder.exists()
    killed(process)
    assert folder.exists()
    with RunFolder():
        assert not folder.parent.exists()


def test_a_number_that_another_process_has_by_now_does_not_save_it(place):
    left = place / f"tflq-{os.getpid()}-abcd0123"
    left.mkdir()
    remove_leftovers()
    assert not left.exists()


def test_nothing_else_is_removed(place):
    precious = place / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (place / "tflq-1-abcdefgh").symlink_to(precious)
    (place / "tflq-2-abcdefgh").touch()
    for name in ("tflq-abcdefgh", "tflq-3-abcdefgh.bak", "tflq-x-abcdefgh", "tflq-apk-abcdefgh"):
        (place / name).mkdir()
    inside = place / "tflq-4-abcdefgh"
    inside.mkdir()
    (inside / "link").symlink_to(precious)
    before = set(place.iterdir()) - {inside}
    remove_leftovers()
    assert set(place.iterdir()) == before
    assert (precious / "file").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders of others to remove")
def test_folders_of_others_stay(place):
    other = place / "tflq-5-abcdefgh"
    other.mkdir()
    os.chown(other, 1234, 1234)
    remove_leftovers()
    assert other.exists()


def test_a_folder_that_was_taken_for_a_leftover_is_made_again(place, monkeypatch):
    made, lock = [], _run_folder.lock

    def late(descriptor, path):
        made.append(path)
        if len(made) == 1:
            # Between a folder and its lock another program looks for leftovers.
            remove_leftovers()
            assert not path.exists()
        return lock(descriptor, path)

    monkeypatch.setattr(_run_folder, "lock", late)
    with RunFolder() as name:
        assert Path(name).parent == made[1]


def test_a_folder_that_somebody_removed_is_made_again(place):
    with RunFolder() as name:
        pass
    Path(name).parent.rmdir()
    with RunFolder() as name:
        assert Path(name).is_dir()


FORK = """
child = os.fork()
if not child:
    import gc, atexit
    other = RunFolder()
    assert os.path.dirname(other.name) != os.path.dirname(folder.name)
    folder.cleanup()
    del folder
    gc.collect()
    atexit._run_exitfuncs()
    print("left", flush=True)
    time.sleep(60)
print(child, flush=True)
time.sleep(60)
"""


def test_a_forked_child_neither_removes_nor_keeps_its_parents_folder(place):
    process, folder = started(FORK)
    told = {process.stdout.readline().strip(), process.stdout.readline().strip()}
    child = int((told - {"left"}).pop())
    try:
        assert folder.exists()
        remove_leftovers()
        assert folder.exists()
        process.kill()
        process.wait()
        # The child lives on, and has no part in the lock.
        remove_leftovers()
        assert not folder.parent.exists()
    finally:
        os.kill(child, signal.SIGKILL)
        killed(process)


def test_a_forked_child_does_not_keep_a_search_folder(tmp_path):
    reading, writing = os.pipe()
    with locked(tmp_path, "search"):
        child = os.fork()
        if not child:
            os.write(writing, b"x")
            signal.pause()
    try:
        assert os.read(reading, 1) == b"x"
        with locked(tmp_path, "search"):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)


def test_libraries_and_children_use_the_folder_too(place):
    with all_temporaries():
        inner = Path(tempfile.mkdtemp())
        assert inner.parent.parent.parent == place
        command = [sys.executable, "-c", "import tempfile; print(tempfile.mkdtemp())"]
        child = Path(subprocess.check_output(command, text=True).strip())
        assert child.parent == inner.parent
    assert not inner.exists()
    assert not child.exists()
    assert tempfile.gettempdir() == str(place)
    assert os.environ["TMPDIR"] == str(place)


def test_no_room_for_temporary_files_is_told(place, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(UserError, match="takes no more temporary files: No space left on device"):
        RunFolder()


CROWD = """
import os, sys
from tflq import _run_folder
for _ in range(60):
    _run_folder._process = _run_folder._Process()
    folder = _run_folder.RunFolder()
    open(os.path.join(folder.name, "file"), "w").close()
    _run_folder.remove_leftovers()
    assert os.path.exists(os.path.join(folder.name, "file"))
    folder.cleanup()
os.kill(os.getpid(), 9)
"""


def test_many_that_start_and_clean_at_once_keep_what_is_theirs(place):
    crowd = [
        subprocess.Popen([sys.executable, "-c", CROWD], stderr=subprocess.PIPE) for _ in range(4)
    ]
    told = [process.communicate()[1] for process in crowd]
    assert [process.returncode for process in crowd] == [-signal.SIGKILL] * 4, told
    remove_leftovers()
    assert not list(place.iterdir())
