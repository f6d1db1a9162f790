"""What adb prints is a stranger's, too."""

import sys

import pytest

from tflq import UserError
from tflq.bench._adb import _run

_ENDLESS = "import sys\nwhile True: sys.{}.write('x' * 10000)"


def _python(script):
    return [sys.executable, "-c", script, "shell", "it"]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_is_told_without_an_end_is_cut_off(stream):
    with pytest.raises(UserError, match="adb shell told more than 1048576 bytes"):
        _run(_python(_ENDLESS.format(stream)), 60)


def test_what_does_not_answer_is_given_up():
    with pytest.raises(UserError, match="adb shell did not answer in 1 s"):
        _run(_python("import time; time.sleep(60)"), 1)


def test_both_streams_and_the_status_come_whole():
    script = "import sys; print('a' * 70000); print('b' * 70000, file=sys.stderr); sys.exit(3)"
    done = _run(_python(script), 60)
    assert (done.returncode, len(done.stdout), len(done.stderr)) == (3, 70001, 70001)
