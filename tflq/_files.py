"""Files that appear whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path

from tflq._errors import UserError


def check_writable(path: str | os.PathLike[str]) -> None:
    """Fails before the work starts when `path` could not be written at its end.

    Raises:
        UserError: the folder does not exist or cannot be written, or `path` is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise UserError(f"output {str(target)!r} is a folder; give the name of a file in it.")
    if not target.parent.is_dir():
        raise UserError(f"folder {str(target.parent)!r} of the output does not exist; make it.")
    if not os.access(target.parent, os.W_OK):
        raise UserError(f"folder {str(target.parent)!r} cannot be written; choose another one.")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """The folder, made if it does not exist.

    Raises:
        UserError: it is a file, or cannot be made.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"folder {str(folder)!r} cannot be made: {error.strerror}; choose another one."
        ) from error
    return folder


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes `content` to a temporary file beside `path`, then renames it.

    Whatever stops it (a full disk, Ctrl-C), an existing file at `path` stays as it was.

    Args:
        path: the file to write or replace.
        content: its whole content.

    Raises:
        UserError: the folder is missing, not writable, or the disk is full.
    """
    target = Path(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as stream:
            temporary = Path(stream.name)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # NamedTemporaryFile makes private files; an output follows the user's umask.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if isinstance(error, OSError):
            raise UserError(
                f"{str(target)!r} could not be written: {error.strerror or error}; "
                "free space or choose another folder."
            ) from error
        raise
