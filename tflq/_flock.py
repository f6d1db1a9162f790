"""Locks that the system forgets with their holder, however that ends."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

# Some network drives have no locks.
_NONE = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EINVAL)

_held: set[int] = set()


def lock(descriptor: int, path: Path) -> bool:
    """Waits for the lock of a file or folder that was just made.

    Args:
        descriptor: of it, open.
        path: of the same.

    Returns:
        Whether `path` still leads to it: before it was locked, it may have been taken for a
        leftover and removed. Where there are no locks nobody removes it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NONE:
            raise
    return leads_to(path, descriptor)


def try_lock(descriptor: int, *, without: bool) -> bool:
    """Takes the lock if nobody holds it.

    Args:
        descriptor: of a file or folder, open.
        without: what to return where there are no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NONE:
            raise
        return without
    return True


@contextlib.contextmanager
def left_behind(path: Path, flags: int) -> Iterator[int]:
    """Opens and locks what a program of this user that has ended may have left.

    Args:
        path: of it.
        flags: to open it with.

    Yields:
        Its mode; 0 where it is somebody else's, or a program holds it.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        ours = found.st_uid == os.geteuid() and try_lock(descriptor, without=False)
        yield found.st_mode if ours else 0
    finally:
        os.close(descriptor)


def leads_to(path: Path, descriptor: int) -> bool:
    """Whether a path is that of what is open."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def hold(descriptor: int) -> None:
    """Keeps a locked descriptor open, but not in children that this process forks.

    They would keep the lock when this process has ended.
    """
    _held.add(descriptor)


def release(descriptor: int) -> None:
    """Closes a descriptor that is held; in a forked child it is closed already."""
    if descriptor in _held:
        _held.remove(descriptor)
        os.close(descriptor)


def _close_all() -> None:
    for descriptor in list(_held):
        release(descriptor)


os.register_at_fork(after_in_child=_close_all)
