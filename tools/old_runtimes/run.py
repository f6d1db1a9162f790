"""Hands files and inputs to an old runtime in a process of its own, and reads its outputs."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from old_runtimes.environment import RUNTIMES, packages

_WORKER = Path(__file__).with_name("worker.py")
# A model that never ends would hold up everything.
_SECONDS = 600


class RefusedError(Exception):
    """The runtime does not load or run the file; the text is its own."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A .tflite and what to feed it.

    Attributes:
        content: the flatbuffer.
        samples: for each run, one array an input, in the file's order and dtypes.
    """

    content: bytes
    samples: Sequence[Sequence[np.ndarray]]


def run_old(content: bytes, inputs: Sequence[np.ndarray], runtime: str) -> list[np.ndarray]:
    """Runs one file once.

    Args:
        content: the flatbuffer.
        inputs: one array an input, in the file's order and dtypes (codes, not reals).
        runtime: one of `RUNTIMES`.

    Returns:
        The outputs in the file's order and dtypes.

    Raises:
        RefusedError: the runtime does not load or run it, or crashed.
        UserError: the runtime cannot be installed here.
    """
    (result,) = run_many([File(content=content, samples=[inputs])], runtime)
    if isinstance(result, RefusedError):
        raise result
    return result[0]


def run_many(files: Sequence[File], runtime: str) -> list[list[list[np.ndarray]] | RefusedError]:
    """Runs several files in one call; each that is refused or crashes leaves the others alone.

    Args:
        files: what to run.
        runtime: one of `RUNTIMES`.

    Returns:
        For each file its outputs by sample, or why there are none.

    Raises:
        UserError: the runtime cannot be installed here.
    """
    assert runtime in RUNTIMES, f"{runtime!r} is none of {RUNTIMES}"
    environment = {**os.environ, "PYTHONPATH": str(packages()), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, file in enumerate(files):
            (folder / f"{number}.tflite").write_bytes(file.content)
            arrays: dict[str, Any] = {
                f"{i}_{k}": array
                for i, sample in enumerate(file.samples)
                for k, array in enumerate(sample)
            }
            np.savez(folder / f"{number}.in.npz", **arrays)
        # Without site-packages: they are of another NumPy.
        command = [sys.executable, "-S", str(_WORKER), runtime, name, str(len(files))]
        subprocess.run(command, env=environment, check=True, timeout=_SECONDS)
        return [_read(folder, number, len(file.samples)) for number, file in enumerate(files)]


def _read(folder: Path, number: int, samples: int) -> list[list[np.ndarray]] | RefusedError:
    made = folder / f"{number}.out.npz"
    if not made.exists():
        reason = (folder / f"{number}.log").read_text(errors="replace").strip()
        return RefusedError(reason or "the runtime gave no reason")
    with np.load(made) as arrays:
        outputs: list[list[np.ndarray]] = [[] for _ in range(samples)]
        for key in sorted(arrays.files, key=lambda key: [int(part) for part in key.split("_")]):
            outputs[int(key.split("_")[0])].append(arrays[key])
        return outputs
