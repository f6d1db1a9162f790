"""Solutions of layers on disk, so that learned rounding goes on where it was stopped."""

import hashlib
import io
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from tflq._files import write_whole
from tflq._lock import locked
from tflq.tflite_side._layer_problem import LayerProblem, Rounded


class Checkpoint:
    """A folder with one file a solved layer.

    A file is found again by all that its solution depends on, so that another model, other data
    or another method never meets it.

    Args:
        folder: made when it is first needed.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def kept_to_one(self) -> AbstractContextManager[None]:
        """Keeps other programs out while layers are solved; see `locked`."""
        return locked(self._folder, "export")

    def load(self, method: str, problem: LayerProblem) -> Rounded | None:
        """The solution of an equal problem, if there is one."""
        file = self._file(method, problem)
        if not file.is_file():
            return None
        with np.load(file) as arrays:
            return Rounded(codes=arrays["codes"].astype(np.float32), scale=arrays["scale"])

    def save(self, method: str, problem: LayerProblem, rounded: Rounded) -> None:
        """Keeps a solution."""
        self._folder.mkdir(exist_ok=True)
        stream = io.BytesIO()
        np.savez(stream, codes=rounded.codes.astype(np.int16), scale=rounded.scale)
        write_whole(self._file(method, problem), stream.getvalue())

    def clear(self) -> None:
        """Removes the folder, for its work is done."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, method: str, problem: LayerProblem) -> Path:
        digest = hashlib.sha256(f"{method} {problem.highest} {problem.limits}".encode())
        for array in (problem.rows, problem.weights, problem.bias, problem.target, problem.scale):
            digest.update(np.ascontiguousarray(array).tobytes())
        return self._folder / f"{digest.hexdigest()[:32]}.npz"
