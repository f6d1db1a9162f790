"""Runs Python as a user who may not do everything, whoever runs the tests."""

import os
import subprocess
import sys
from pathlib import Path

import tflq

_NOBODY = 65534
# Root sees through every permission. It imports first, for Python may be root's own.
_DROP = f"""
import os
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({_NOBODY})
    os.setuid({_NOBODY})
"""


def run_as_nobody(
    imports: str, script: str, folder: Path, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Runs a script in a folder, which its user owns from now on."""
    if os.geteuid() == 0:
        _give_away(folder)
    environment = os.environ | {
        "PYTHONPATH": str(Path(tflq.__file__).parents[1]),
        "TMPDIR": str(folder),
    }
    return subprocess.run(
        [sys.executable, "-c", f"{imports}\n{_DROP}\n{script}", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def _give_away(folder: Path) -> None:
    """Also opens the folders above it that pytest made for root alone."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
    for parent in folder.parents:
        if parent.name.startswith("pytest-"):
            parent.chmod(parent.stat().st_mode | 0o011)
