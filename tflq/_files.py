"""Files that appear whole or not at all.

What is no regular file is never replaced: character devices and this process's own descriptors
(`/dev/null`, `/dev/stdout`, `/dev/fd/3`) are written to, links are followed, and what is left,
such as named pipes and folders, is refused.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tflq._errors import UserError
from tflq._flock import left_behind, lock

_LONGEST_NAME = 255
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a disk",
}
_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


@dataclass(frozen=True, kw_only=True)
class _Output:
    """What a path leads to.

    Attributes:
        name: as it was given, for messages.
        target: the path behind all links.
        old: what is there already, or None.
        descriptor: of this process, where the path names one.
    """

    name: str
    target: Path
    old: os.stat_result | None = None
    descriptor: int | None = None

    @property
    def is_replaced(self) -> bool:
        """Whether a file takes the place of what is there."""
        return self.descriptor is None and (self.old is None or stat.S_ISREG(self.old.st_mode))


def check_writable(path: str | os.PathLike[str]) -> None:
    """Fails before the work starts when `path` could not be written at its end.

    Raises:
        UserError: the folder does not exist or cannot be written, `path` is a folder, a named pipe
            or a dangling link, or the file there is write-protected.
    """
    output = _followed(path)
    if not output.is_replaced:
        return
    parent = output.target.parent
    if not parent.exists():
        raise UserError(f"folder {str(parent)!r} of the output does not exist; make it.")
    if not parent.is_dir():
        raise UserError(f"{str(parent)!r} is a file; choose a folder for output {output.name}.")
    if not os.access(parent, os.W_OK | os.X_OK) or _is_kept_by_others(parent, output.old):
        raise UserError(f"folder {str(parent)!r} cannot be written; choose another one.")


def is_replaced(path: str | os.PathLike[str]) -> bool:
    """Whether an output becomes a file, and is not written to a device or a descriptor.

    Raises:
        UserError: it can be neither.
    """
    return _followed(path).is_replaced


def make_folder(path: str | os.PathLike[str]) -> Path:
    """The folder, made if it does not exist.

    Raises:
        UserError: it is a file, or cannot be made.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise UserError(
            f"folder {str(folder)!r} cannot be made: {_reason(error)}; choose another one."
        ) from error
    return folder


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes `content` to a temporary file beside `path`, then renames it.

    Whatever stops it (a full disk, Ctrl-C), an existing file at `path` stays as it was. Of two
    programs that write the same file, the later one's content stays, whole. The new file has the
    permissions and, where the system allows it, the owner of the old one; other hard links to the
    old one keep its content. A link stays a link: its target is written. A device or a descriptor
    gets the content as any program would write it.

    Args:
        path: the file to write or replace.
        content: its whole content.

    Raises:
        UserError: the folder is missing, not writable, or the disk is full; or `path` is something
            that cannot be replaced.
    """
    output = _followed(path)
    try:
        if output.is_replaced:
            _replace(output, content)
        else:
            _pass_on(output, content)
    except BrokenPipeError:
        # The reader has seen enough.
        raise
    except OSError as error:
        raise UserError(
            f"{str(output.target)!r} could not be written: {_reason(error)}; "
            "free space or choose another folder."
        ) from error


def write_own(path: Path, content: bytes) -> None:
    """Writes a file that tflq keeps for itself; what else lies there is removed, not followed.

    Raises:
        UserError: as for `write_whole`.
    """
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif not stat.S_ISREG(path.lstat().st_mode):
            path.unlink()
    write_whole(path, content)


def read_own(path: Path, limit: int) -> bytes | None:
    """The content of a file that tflq keeps for itself.

    Args:
        path: of the file.
        limit: in bytes.

    Returns:
        None where there is none, or a larger one, or something else lies there.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags), "rb") as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
                return None
            return stream.read(limit)
    except OSError:
        return None


def hidden_name(name: str, suffix: str) -> str:
    """A name for what belongs to a file and lies beside it, never longer than names may be."""
    hidden = f".{name}"
    if len(os.fsencode(hidden + suffix)) > _LONGEST_NAME:
        hidden = f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}"
    return hidden + suffix


def _followed(path: str | os.PathLike[str]) -> _Output:
    """Where an output goes; refuses what cannot be replaced nor written to."""
    text = os.fspath(path)
    name = repr(text)
    if not text:
        raise UserError(f"output {name} names no file; give the name of one.")
    try:
        descriptor = _own_descriptor(text)
        old = _found(text) if descriptor is None else _open_for_writing(descriptor)
    except (OSError, ValueError) as error:
        raise UserError(
            f"output {name} cannot be written: {_reason(error)}; choose another name."
        ) from error
    # A Path forgets it.
    if text.endswith(os.sep) and not (old and stat.S_ISDIR(old.st_mode)):
        raise UserError(f"output {name} names a folder; give the name of a file in it.")
    if old is None:
        return _Output(name=name, target=Path(text))
    output = _Output(name=name, target=Path(os.path.realpath(text)), old=old, descriptor=descriptor)
    _check_kind(output, old.st_mode)
    return output


def _found(text: str) -> os.stat_result | None:
    """What a path leads to, or None where there is nothing."""
    path = Path(text)
    try:
        return path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            leads = str(path.readlink())
            raise OSError(f"it is a link to {leads!r}, which does not exist") from None
        return None


def _open_for_writing(descriptor: int) -> os.stat_result:
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError("it is open for reading only")
    return os.fstat(descriptor)


def _check_kind(output: _Output, mode: int) -> None:
    if output.descriptor is not None:
        return
    if stat.S_ISDIR(mode):
        raise UserError(f"output {output.name} is a folder; give the name of a file in it.")
    if (kind := _KINDS.get(stat.S_IFMT(mode))) is not None:
        raise UserError(
            f"output {output.name} is {kind}, no file; give the name of a file, or /dev/stdout."
        )
    if not os.access(output.target, os.W_OK):
        raise UserError(
            f"output {output.name} is write-protected; remove it, or choose another name."
        )


def _own_descriptor(text: str) -> int | None:
    """The number of a descriptor of this process, where a path names one."""
    path = str(Path(text).absolute())
    if path in _STREAMS:
        return _STREAMS[path]
    match = re.fullmatch(r"(?:/dev/fd|/proc/self/fd)/([0-9]{1,9})", path)
    return None if match is None else int(match[1])


def _is_kept_by_others(parent: Path, old: os.stat_result | None) -> bool:
    """Whether a folder such as /tmp lets nobody but a file's owner replace it."""
    around, user = parent.stat(), os.geteuid()
    sticky = bool(around.st_mode & stat.S_ISVTX)
    return old is not None and sticky and user not in (0, old.st_uid, around.st_uid)


def _pass_on(output: _Output, content: bytes) -> None:
    """Writes to a device or a descriptor, after what was printed."""
    if output.descriptor is None:
        descriptor = os.open(output.target, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    else:
        sys.stdout.flush()
        sys.stderr.flush()
        descriptor = os.dup(output.descriptor)
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        left = memoryview(content)
        while left:
            left = left[stream.write(left) or 0 :]


def _replace(output: _Output, content: bytes) -> None:
    target = output.target
    _remove_leftovers(target)
    # New files follow the umask; what replaces another is nobody's until it has its permissions.
    descriptor, temporary = _open_beside(target, 0o666 if output.old is None else 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if output.old is not None:
                _keep_access(descriptor, output.old)
            os.fsync(descriptor)
            # Its lock goes last, so that nobody takes it for a leftover.
            temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _open_beside(target: Path, mode: int) -> tuple[int, Path]:
    """A new file in the same folder, locked while it is written."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        path = target.with_name(hidden_name(target.name, f".{secrets.token_hex(4)}.part"))
        descriptor = os.open(path, flags, mode)
        if lock(descriptor, path):
            return descriptor, path
        os.close(descriptor)


def _remove_leftovers(target: Path) -> None:
    """Removes temporary files of the same output whose program was killed."""
    start = re.escape(hidden_name(target.name, ".00000000.part").removesuffix(".00000000.part"))
    pattern = re.compile(start + r"\.[0-9a-f]{8}\.part")
    with contextlib.suppress(OSError):
        for path in list(_matching(target.parent, pattern)):
            _remove_leftover(path)


def _matching(folder: Path, pattern: re.Pattern[str]) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        yield from (Path(entry.path) for entry in entries if pattern.fullmatch(entry.name))


def _remove_leftover(path: Path) -> None:
    flags = os.O_WRONLY | os.O_NONBLOCK
    with contextlib.suppress(OSError), left_behind(path, flags) as mode:
        if stat.S_ISREG(mode):
            path.unlink()


def _keep_access(descriptor: int, old: os.stat_result) -> None:
    """Gives a new file the owner and the permissions of the one that it replaces."""
    mode = stat.S_IMODE(old.st_mode) & 0o777
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except OSError:
            if not _takes_group(descriptor, old.st_gid):
                # Another group gets no more than everybody has.
                mode = mode & ~0o070 | (mode & 0o007) << 3
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, mode)


def _takes_group(descriptor: int, group: int) -> bool:
    try:
        os.fchown(descriptor, -1, group)
    except OSError:
        return False
    return True


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
