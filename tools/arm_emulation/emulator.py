"""Runs a .tflite by `guest.py`, on this machine and on emulated cores."""

import itertools
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from arm_emulation.cache import Cache
from arm_emulation.cores import Core
from arm_emulation.counts import parse_counts, per_inference

_SCRIPT = str(Path(__file__).resolve().parent / "guest.py")
_TIMEOUT = 600


def run_here(model: Path, samples: Sequence[np.ndarray], kernels: str) -> list[np.ndarray]:
    """The outputs on this machine, of the same script; see `Emulator.run`."""
    return _run([sys.executable, "-I"], None, model, samples, kernels, 0)


class Emulator:
    """One emulated core that runs .tflite files.

    Args:
        cache: holds the emulated machine, or gets it now.
        core: where files run.

    Raises:
        UserError: see `Cache`.
    """

    def __init__(self, cache: Cache, core: Core):
        root = cache.root(core)
        self._cache = cache
        self._qemu = [*cache.qemu(), "-L", str(root), "-cpu", core.model]
        # Nothing of the host's Python is seen, and nothing but the network differs between runs.
        self._python = [f"{root}/usr/bin/python3.11", "-S", "-s", "-B"]
        self._environment = {
            "PYTHONPATH": str(cache.site()),
            "PYTHONSAFEPATH": "1",
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def run(self, model: Path, samples: Sequence[np.ndarray], kernels: str) -> list[np.ndarray]:
        """The outputs of a .tflite for samples in its own dtypes.

        Args:
            model: the file.
            samples: for each input, an array of shape (samples, ...).
            kernels: see `guest.py`.

        Raises:
            RuntimeError: the emulated program failed.
        """
        command = [*self._qemu, *self._python]
        return _run(command, self._environment, model, samples, kernels, 0)

    def counts(
        self, model: Path, samples: Sequence[np.ndarray], kernels: str, inferences: int
    ) -> list[dict[str, float]]:
        """Instructions per inference of the first sample by kind, measured twice.

        Three runs with ever more inferences give two differences, in which the start cancels.

        Args:
            model: see `run`.
            samples: see `run`.
            kernels: see `run`.
            inferences: how many a run has more than the one before it.
        """
        first = [array[:1] for array in samples]
        runs = [
            self._count(model, first, kernels, repeats)
            for repeats in (0, inferences, 2 * inferences)
        ]
        return [per_inference(short, long, inferences) for short, long in itertools.pairwise(runs)]

    def _count(
        self, model: Path, samples: Sequence[np.ndarray], kernels: str, repeats: int
    ) -> dict[str, int]:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "counts")
            plugin = ["-plugin", f"{self._cache.plugin()},out={report}"]
            command = [*self._qemu, *plugin, *self._python]
            _run(command, self._environment, model, samples, kernels, repeats)
            return parse_counts(report.read_text())


def _run(
    python: Sequence[str],
    environment: Mapping[str, str] | None,
    model: Path,
    samples: Sequence[np.ndarray],
    kernels: str,
    repeats: int,
) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "samples.npz"), Path(folder, "outputs.npz")
        np.savez(source, *samples)
        arguments = [str(model), str(source), str(target), kernels, str(repeats)]
        done = subprocess.run(
            [*python, _SCRIPT, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
        if done.returncode:
            raise RuntimeError(
                f"{model.name} with {kernels} kernels failed, exit code {done.returncode}:\n"
                f"{done.stderr[-2000:]}"
            )
        with np.load(target) as archive:
            return [archive[name] for name in archive.files]
