"""Programs that are asked to end."""

import os
import signal
import tempfile
import threading

import numpy as np
import pytest

from tflq import UserError, _run_folder
from tflq.cli.main import main


@pytest.fixture
def here(tmp_path, monkeypatch, float_file):
    """A folder with a model and data, and an empty temporary folder."""
    (tmp_path / "m.tflite").write_bytes(float_file.read_bytes())
    np.save(tmp_path / "data.npy", np.zeros((4, 16, 16, 3), np.float32))
    (tmp_path / "o.tflite").write_bytes(b"old")
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(_run_folder, "_process", _run_folder._Process())
    return tmp_path


def export_that_gets(number, monkeypatch):
    seen = []

    def stop(*_, **__):
        seen.append(tempfile.mkdtemp())
        os.kill(os.getpid(), number)
        seen.append("went on")
        raise UserError("it went on.")

    monkeypatch.setattr("tflq._candidate.quantize", stop)
    return main(["export", "m.tflite", "o.tflite", "--data=data.npy"]), seen


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_cleans_up_as_ctrl_c_does(here, capsys, monkeypatch, number, code):
    # Whoever runs the tests may ignore it, as nohup does.
    ignored = signal.signal(number, signal.SIG_DFL)
    try:
        came, seen = export_that_gets(number, monkeypatch)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, ignored)
    assert (came, len(seen)) == (code, 1)
    assert capsys.readouterr().err.endswith("tflq: stopped; every file is as it was, or whole.\n")
    assert (here / "o.tflite").read_bytes() == b"old"
    (own,) = (here / "temporary").iterdir()
    assert not list(own.iterdir())


def test_nohup_is_respected(here, monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        code, seen = export_that_gets(signal.SIGHUP, monkeypatch)
        assert (code, seen[1:]) == (2, ["went on"])
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_run_commands_too(capsys):
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(["--version"])))
    thread.start()
    thread.join()
    assert codes == [0]
