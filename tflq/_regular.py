"""Opens files that may be anything."""

import errno
import os
import stat
from typing import BinaryIO


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a regular file for reading; what else lies there would never end, or never begin.

    Raises:
        OSError: it cannot be read, or is a pipe, a device, a socket or a folder.
    """
    # A pipe without a writer would wait for one.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "it is no regular file", os.fspath(path))
    return os.fdopen(number, "rb")
