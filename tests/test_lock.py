"""One process a folder."""

import subprocess
import sys

import pytest

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
