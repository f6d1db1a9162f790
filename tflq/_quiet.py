"""Keeps what C++ libraries print past Python off the user's screen."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends file descriptors 1 and 2 to nowhere; exceptions still carry their messages."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {number: os.dup(number) for number in (1, 2)}
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in saved:
            os.dup2(sink, number)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in saved.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(sink)
