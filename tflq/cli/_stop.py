"""Signals that ask a program to end, so that it can clean up first, as Ctrl-C does."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

# Of a terminal that closes, and of whoever manages processes.
_SIGNALS = (signal.SIGHUP, signal.SIGTERM)


class Stopped(BaseException):
    """The program was asked to end.

    Attributes:
        exit_code: by which shells know the signal.
    """

    def __init__(self, number: int):
        super().__init__(number)
        self.exit_code = 128 + number


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Raises `Stopped` where the program would just end; what is ignored (nohup) stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _stop(number: int, frame: Any) -> None:
    raise Stopped(number)
