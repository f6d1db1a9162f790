"""What libraries say on the way is shown as text, too."""

import logging
import os
import subprocess
import sys
import warnings

import pytest

from tflq.cli._output import guard_terminal


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    made = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(made)


def test_warnings_and_logs_show_names_as_text(caplog):
    guard_terminal()
    shown = warnings.formatwarning("layer \x1b[2J is odd", UserWarning, "file.py", 1)
    assert shown == "UserWarning: layer \\x1b[2J is odd\n"
    logging.getLogger("a library").warning("layer %s\nis odd", "\x9b2J")
    assert caplog.messages == ["layer \\x9b2J\nis odd"]


def test_tracebacks_show_names_as_text(capsys):
    guard_terminal()
    sys.excepthook(KeyError, KeyError("x"), None)
    sys.excepthook(RuntimeError, RuntimeError("layer \x1b[2J\nfails"), None)
    assert capsys.readouterr().err == "KeyError: 'x'\nRuntimeError: layer \\x1b[2J\nfails\n"


def test_a_terminal_without_the_letters_gets_escapes():
    script = "from tflq.cli._output import guard_terminal; guard_terminal(); print('\u5c3a')"
    ascii = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", script], env=ascii, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"\\u5c3a\n"), done.stderr
