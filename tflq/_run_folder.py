"""Temporary folders that do not outlive the program that needs them, even if it is killed.

All folders of a process lie in one that names it, `tflq-PID-XXXXXXXX`, and that it keeps locked
as long as it lives. A number of a process may be given anew, a lock may not: what nobody holds
belongs to a program that was killed, and the next one removes it.
"""

import atexit
import contextlib
import os
import re
import shutil
import stat
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from tflq._errors import UserError
from tflq._flock import hold, left_behind, lock, release

_NAME = re.compile(r"tflq-[0-9]+-[a-z0-9_]{8}")
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class RunFolder:
    """A temporary folder of this process.

    It is removed when a `with` ends, by `cleanup`, with the object, with the process, or, where
    that was killed, by the next program that needs one. A forked child leaves its parent's alone.

    Attributes:
        name: its path.

    Example:
        >>> with RunFolder() as name:
        ...     Path(name, "x").touch()
        >>> Path(name).exists()
        False
    """

    def __init__(self) -> None:
        above = process_folder()
        with room():
            self.name = tempfile.mkdtemp(dir=above)
        self._finalizer = weakref.finalize(self, _remove, self.name, os.getpid())

    def __enter__(self) -> str:
        return self.name

    def __exit__(self, *exception: object) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        """Removes the folder with all that is in it."""
        self._finalizer()


@contextlib.contextmanager
def room() -> Iterator[None]:
    """Around what writes temporary files.

    Raises:
        UserError: the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            f"folder {str(_process.above())!r} takes no more temporary files: "
            f"{error.strerror or error}; free space, or set TMPDIR."
        ) from error


@contextlib.contextmanager
def all_temporaries() -> Iterator[None]:
    """Whatever libraries and child processes write to a temporary folder goes into this process's.

    So nothing of it stays, where they are killed.
    """
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    with RunFolder() as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        try:
            yield
        finally:
            tempfile.tempdir = before
            if variable is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = variable


def remove_leftovers() -> None:
    """Removes the folders of this user's programs that were killed."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                _remove_if_left(Path(entry.path))


class _Process:
    """The folder of this process, made when it is first needed."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._path: Path | None = None
        self._descriptor = -1

    def folder(self) -> Path:
        with self._guard:
            if self._path is None or not self._path.is_dir():
                release(self._descriptor)
                remove_leftovers()
                self._path, self._descriptor = _make_locked()
                hold(self._descriptor)
                atexit.register(_remove, str(self._path), os.getpid())
            return self._path

    def above(self) -> Path:
        """Where it lies, or will."""
        return Path(tempfile.gettempdir()) if self._path is None else self._path.parent


_process = _Process()


def process_folder() -> Path:
    """The folder of all temporaries of this process, with which it goes.

    Raises:
        UserError: the disk is full.
    """
    with room():
        return _process.folder()


def _forget() -> None:
    """In a forked child: the folder is its parent's."""
    global _process
    _process = _Process()


os.register_at_fork(after_in_child=_forget)


def _make_locked() -> tuple[Path, int]:
    """A folder that only this user can open, and the descriptor that keeps its lock."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=f"tflq-{os.getpid()}-"))
        # Another program may take it for a leftover until it is locked.
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, _FLAGS)
            if lock(descriptor, path):
                return path, descriptor
            os.close(descriptor)


def _remove(path: str, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(path, ignore_errors=True)


def _remove_if_left(path: Path) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY
    with contextlib.suppress(OSError), left_behind(path, flags) as mode:
        if stat.S_ISDIR(mode):
            shutil.rmtree(path, ignore_errors=True)
