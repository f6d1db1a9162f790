"""Keeps a folder to one process at a time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tflq._errors import UserError

_FILE = ".lock"


@contextlib.contextmanager
def locked(folder: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Holds the folder while the block runs; the system lets go of it however the process ends.

    Args:
        folder: which exists.
        what: works in it, in words, for the message that others get.

    Raises:
        UserError: another process holds it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, locked(folder, "search"):
        ...     pass
    """
    with Path(folder, _FILE).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(
                f"folder {os.fspath(folder)!r} is in use by another {what}; wait for it, or choose "
                "another folder."
            ) from error
        yield
