"""A folder of packages for the old runtimes, installed once: they need a NumPy before 2."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tflq._errors import UserError
from tflq._files import make_folder

RUNTIMES = ("tflite-runtime", "tflite-runtime-builtin", "tflite-micro")
"""With its XNNPACK, with its built-in kernels alone, and TensorFlow Lite for Microcontrollers."""

_PACKAGES = (
    "tflite-runtime==2.14.0",
    "tflite-micro==0.dev20261023182759",
    "numpy==1.26.4",
    "flatbuffers==25.12.19",
    "pyyaml==6.0.4",
)
_CACHE = Path("~/.cache/tflq/old_runtimes")


def unavailable() -> str | None:
    """Why the old runtimes cannot run here, or None."""
    if sys.version_info[:2] != (3, 11):
        return f"tflite-runtime 2.14 has wheels up to Python 3.11, this is {sys.version.split()[0]}"
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return f"tflite-micro has wheels for x86-64 Linux, this is {platform.platform()}"
    return None


def packages() -> Path:
    """The folder with the packages; pip downloads them when there is none.

    Raises:
        UserError: they do not run here, or pip failed.
    """
    reason = unavailable()
    if reason is not None:
        raise UserError(f"the old runtimes were asked for: {reason}; run them there.")
    cache = make_folder(_CACHE.expanduser())
    folder = cache / hashlib.sha256(repr(_PACKAGES).encode()).hexdigest()[:12]
    if not folder.is_dir():
        unfinished = Path(tempfile.mkdtemp(dir=cache))
        _install(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:
            # Another program was faster.
            shutil.rmtree(unfinished)
    return folder


def _install(folder: Path) -> None:
    # The packages need nothing else to run; nothing else may replace the NumPy asked for.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    done = subprocess.run(
        [*command, str(folder), *_PACKAGES],
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"pip cannot install {', '.join(_PACKAGES)}: {reason}")
