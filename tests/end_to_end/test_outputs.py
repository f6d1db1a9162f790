"""Outputs of whole runs: devices, links, full disks, and two runs at once."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import networks
import numpy as np
import pytest
from as_nobody import run_as_nobody

import tflq
from tflq import UserError
from tflq.tflite_side import _refine


@pytest.fixture
def here(tmp_path, monkeypatch, float_file):
    """A folder with a float file and data."""
    (tmp_path / "m.tflite").write_bytes(float_file.read_bytes())
    np.save(tmp_path / "data.npy", networks.small_cnn()[1])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("rounding", ["nearest", "least_squares"])
def test_a_device_stays_one(here, rounding):
    beside = names(Path("/dev"))
    tflq.export("m.tflite", "/dev/null", data=np.load("data.npy"), rounding=rounding)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert names(Path("/dev")) == beside


def test_a_link_stays_one(here):
    (here / "far").mkdir()
    (here / "far" / "real").write_bytes(b"old")
    (here / "link.tflite").symlink_to("far/real")
    tflq.export("m.tflite", "link.tflite", data=np.load("data.npy"), rounding="least_squares")
    tflq.export("m.tflite", "plain.tflite", data=np.load("data.npy"), rounding="least_squares")
    assert (here / "link.tflite").is_symlink()
    assert (here / "far" / "real").read_bytes() == (here / "plain.tflite").read_bytes()
    assert names(here / "far") == ["real"]


def test_a_full_disk_costs_nothing_that_was_learned(here, monkeypatch):
    solved = []
    solve = _refine.ROUNDINGS["least_squares"]
    monkeypatch.setitem(
        _refine.ROUNDINGS, "least_squares", lambda p: (solved.append(p), solve(p))[1]
    )
    (here / "o.tflite").write_bytes(b"old")
    options = {"data": np.load("data.npy"), "rounding": "least_squares"}

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(UserError, match="No space left"):
        patch.setattr("tflq._export.write_whole", lambda path, content: write_to_full(path, full))
        tflq.export("m.tflite", "o.tflite", **options)
    count = len(solved)
    assert count
    assert (here / "o.tflite").read_bytes() == b"old"
    tflq.export("m.tflite", "o.tflite", **options)
    assert len(solved) == count
    assert ".o.tflite.rounding" not in names(here)


def write_to_full(path, full):
    from tflq import _files

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_files.os, "fsync", full)
        _files.write_whole(path, b"new")


def test_any_name_can_be_told(here):
    name = os.fsdecode(b"\xc3\xa9\xff.tflite")
    done = subprocess.run(
        [*EXPORT[:-1], name, "--data=data.npy"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"\\udcff" in done.stdout
    assert (here / name).exists()


EXPORT = [sys.executable, "-m", "tflq.cli.main", "export", "m.tflite", "o.tflite"]


def test_two_runs_into_one_file_leave_one_of_their_files(here):
    for scheme in ("w8a8", "w4a8"):
        tflq.export("m.tflite", f"{scheme}.tflite", data=np.load("data.npy"), scheme=scheme)
    command = [*EXPORT, "--data=data.npy"]
    running = [subprocess.Popen([*command, f"--scheme={s}"], stdout=-3) for s in ("w8a8", "w4a8")]
    assert [process.wait() for process in running] == [0, 0]
    alone = [(here / f"{scheme}.tflite").read_bytes() for scheme in ("w8a8", "w4a8")]
    assert (here / "o.tflite").read_bytes() in alone
    assert names(here) == ["data.npy", "m.tflite", "o.tflite", "w4a8.tflite", "w8a8.tflite"]


def test_a_second_run_that_learns_for_one_file_is_refused(here):
    options = {"data": np.load("data.npy"), "rounding": "least_squares"}
    from tflq._export import checkpoint_of
    from tflq._lock import locked

    with locked(checkpoint_of("o.tflite"), "export"), pytest.raises(UserError, match="in use by"):
        tflq.export("m.tflite", "o.tflite", **options)
    tflq.export("m.tflite", "o.tflite", **options)
    assert names(here) == ["data.npy", "m.tflite", "o.tflite"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "m.tflite", "o.tflite", "--data=data.npy"],
        ["report", "m.tflite", "o.html", "--data=data.npy"],
        ["inspect", "m.tflite", "--json=o.json"],
        ["search", "m.tflite", "--folder=.", "--data=data.npy", "--max_drop=1"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_folder_that_is_read_only_is_refused_in_one_sentence(here, arguments):
    commands = ("export", "report", "inspect", "search")
    imports = "import sys, tflq.cli.main, " + ", ".join(f"tflq.cli._{name}" for name in commands)
    script = "os.chmod('.', 0o555)\ncode = tflq.cli.main.main(sys.argv[1:])\n"
    before = names(here)
    done = run_as_nobody(imports, script + "os.chmod('.', 0o755); exit(code)", here, *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("tflq: ")
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1
    assert names(here) == before
