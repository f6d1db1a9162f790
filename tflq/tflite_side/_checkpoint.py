"""Solutions of layers on disk, so that learned rounding goes on where it was stopped."""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tflq._errors import UserError
from tflq._files import make_folder, read_own, write_own
from tflq._lock import locked
from tflq.tflite_side._layer_problem import LayerProblem, Rounded

_CODES, _SCALE = np.dtype("<i2"), np.dtype("<f4")
_SUFFIX = ".rounded"
_DIGEST = hashlib.sha256().digest_size


class Checkpoint:
    """A folder with one file a solved layer.

    A file is found again by all that its solution depends on, so that another model, other data
    or another method never meets it. It is a digest, the codes and their scale, whose shapes the
    problem tells; one that is damaged is no solution, and the layer is solved anew.

    Args:
        folder: made when it is first needed.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    @contextmanager
    def kept_to_one(self) -> Iterator[None]:
        """Keeps other programs out while layers are solved; see `locked`."""
        with locked(self._folder, "export"):
            try:
                yield
            finally:
                if not any(self._folder.glob(f"*{_SUFFIX}")):
                    self._remove()

    def load(self, method: str, problem: LayerProblem) -> Rounded | None:
        """The solution of an equal problem, if there is one."""
        key, codes, scale = _key(method, problem), problem.weights, problem.scale
        split = _DIGEST + codes.size * _CODES.itemsize
        size = split + scale.size * _SCALE.itemsize
        content = read_own(self._file(key), size)
        if content is None or len(content) != size or content[:_DIGEST] != _digest(key, content):
            return None
        rounded = Rounded(
            codes=np.frombuffer(content[_DIGEST:split], _CODES)
            .reshape(codes.shape)
            .astype(np.float32),
            scale=np.frombuffer(content[split:], _SCALE).reshape(scale.shape).astype(np.float32),
        )
        return rounded if _is_possible(rounded, problem) else None

    def save(self, method: str, problem: LayerProblem, rounded: Rounded) -> None:
        """Keeps a solution."""
        make_folder(self._folder)
        key = _key(method, problem)
        content = bytes(_DIGEST) + rounded.codes.astype(_CODES).tobytes()
        content += rounded.scale.astype(_SCALE).tobytes()
        write_own(self._file(key), _digest(key, content) + content[_DIGEST:])

    def clear(self) -> None:
        """Removes the folder, for its work is done; another program that is at work keeps it."""
        if self._folder.is_dir():
            with contextlib.suppress(UserError), self.kept_to_one():
                self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key[:32]}{_SUFFIX}"


def _key(method: str, problem: LayerProblem) -> str:
    digest = hashlib.sha256(
        f"{method} {problem.highest} {problem.limits} {problem.per_channel}".encode()
    )
    for array in (problem.rows, problem.weights, problem.bias, problem.target, problem.scale):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content[_DIGEST:]).digest()


def _is_possible(rounded: Rounded, problem: LayerProblem) -> bool:
    scale = rounded.scale
    within = np.abs(rounded.codes).max(initial=0) <= problem.highest
    return bool(within and np.isfinite(scale).all() and (scale > 0).all())
