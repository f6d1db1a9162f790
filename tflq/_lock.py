"""One program at a time in a folder."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tflq._errors import UserError
from tflq._files import make_folder
from tflq._flock import hold, leads_to, release, try_lock

_NAME = ".lock"
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def locked(folder: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Keeps others out of a folder, which is made if need be, until the block ends.

    The system forgets the lock with its holder, however that ends; the file `.lock` stays.

    Args:
        folder: where the work is done.
        what: what kind of program does it, such as "search".

    Raises:
        UserError: another one is at work there, the folder cannot be written, or it has no locks.
    """
    path = make_folder(folder)
    descriptor = _locked(path, what)
    hold(descriptor)
    try:
        yield
    finally:
        release(descriptor)


def _locked(folder: Path, what: str) -> int:
    while True:
        descriptor = _opened(folder / _NAME)
        if not try_lock(descriptor, without=True):
            os.close(descriptor)
            raise UserError(
                f"folder {str(folder)!r} is in use by another {what}; wait for it, or choose "
                "another folder."
            )
        if leads_to(folder / _NAME, descriptor):
            return descriptor
        # Whoever had it removed the folder, having done its work.
        os.close(descriptor)
        make_folder(folder)


def _opened(path: Path) -> int:
    try:
        descriptor = os.open(path, _FLAGS, 0o666)
    except OSError as error:
        raise UserError(
            f"{str(path)!r} cannot be written: {error.strerror}; remove it, or choose another "
            "folder."
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{str(path)!r} is no file to lock; remove it, or choose another folder.")
    return descriptor
