"""One program at a time in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tflq._errors import UserError
from tflq._files import make_folder

_NAME = ".lock"


@contextmanager
def locked(folder: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Keeps others out of a folder, which is made if need be, until the block ends.

    The system forgets the lock with its holder, however that ends; the file `.lock` stays.

    Args:
        folder: where the work is done.
        what: what kind of program does it, such as "search".

    Raises:
        UserError: another one is at work there.
    """
    path = make_folder(folder)
    with (path / _NAME).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"folder {str(path)!r} is in use by another {what}; wait for it, or choose "
                "another folder."
            ) from error
        yield
