"""One process a folder."""

import os
import shutil
import subprocess
import sys

import pytest
from as_nobody import run_as_nobody

from tflq import _lock
from tflq._errors import UserError
from tflq._lock import locked

_HOLD = "import sys, time; from tflq._lock import locked\n" + (
    "with locked(sys.argv[1], 'search'):\n    print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused(holder, tmp_path):
    refused = pytest.raises(UserError, match=r"in use by another search; wait .* another folder")
    with refused, locked(tmp_path, "search"):
        pass


def test_a_killed_process_holds_nothing(holder, tmp_path):
    holder.kill()
    holder.wait()
    with locked(tmp_path, "search"):
        pass


def test_what_was_left_can_be_taken_again(tmp_path):
    for _ in range(2):
        with locked(tmp_path, "search"):
            pass


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "is no file to lock; remove it"),
        (os.mkdir, "cannot be written: Is a directory; remove it"),
        (lambda path: path.symlink_to("elsewhere"), "cannot be written: Too many levels of sym"),
    ],
)
def test_what_is_no_lock_is_told(tmp_path, make, words):
    make(tmp_path / ".lock")
    with pytest.raises(UserError, match=words), locked(tmp_path, "search"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_folder_that_its_holder_removed_is_made_and_locked_anew(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    opened = _lock._opened

    def late(path):
        # Another program ends between the opening of the lock and the locking.
        descriptor = opened(path)
        if not late.done:
            late.done = True
            shutil.rmtree(folder)
        return descriptor

    late.done = False
    monkeypatch.setattr(_lock, "_opened", late)
    with locked(folder, "export"):
        assert (folder / ".lock").is_file()
        monkeypatch.undo()
        with pytest.raises(UserError, match="in use"), locked(folder, "export"):
            pass


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    script = (
        "os.chmod('.', 0o555)\n"
        "try:\n    with locked('.', 'search'): pass\n"
        "except UserError as error: print(error)\n"
        "os.chmod('.', 0o755)"
    )
    imports = "from tflq import UserError; from tflq._lock import locked"
    done = run_as_nobody(imports, script, tmp_path)
    assert done.stdout == (
        "'.lock' cannot be written: Permission denied; remove it, or choose another folder.\n"
    ), done.stderr
