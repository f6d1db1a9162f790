"""Asks a process for what could crash this one; see `_server`."""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tflq._limits import HDF5_SECONDS, INFERENCE_MEMORY, INFERENCE_SECONDS, QUANTIZER_SECONDS
from tflq.apart import _server
from tflq.apart._server import (
    CRASHED,
    FAILED,
    NO_MEMORY,
    OK,
    OPEN,
    REFUSED,
    TIMED_OUT,
    receive,
    send,
)

_SCRIPT = Path(_server.__file__)
_SPARE_MEMORY = 1 << 30

# Seconds, and bytes of memory beyond what the server takes; 0 where there is no limit.
_Limits = tuple[float, int]


class CrashError(RuntimeError):
    """The native code died of its task; the message says how."""


class TimeLimitError(RuntimeError):
    """A task took longer than it may."""


class _Process:
    """A server, from its start to its end."""

    def __init__(self) -> None:
        # TensorFlow looks for devices that no task needs, and says so.
        quiet = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **quiet},
        )

    def ask(self, task: str, limits: _Limits, first: bytes, second: bytes) -> tuple[int, bytes]:
        self.tell(task, limits, first, second)
        assert self._process.stdout is not None
        outcome, content = receive(self._process.stdout, 2)
        return outcome[0], content

    def tell(self, task: str, limits: _Limits, first: bytes = b"", second: bytes = b"") -> None:
        assert self._process.stdin is not None
        seconds, memory = (str(limit).encode() for limit in limits)
        send(self._process.stdin, task.encode(), seconds, memory, first, second)

    @property
    def is_usable(self) -> bool:
        """A process that was forked shares these pipes, and must not use them."""
        return self.owner == os.getpid() and self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        # Of what was not sent, closing would try to send the rest.
        with contextlib.suppress(OSError):
            self._process.communicate()


_lock = threading.Lock()
# One a task: what tries models forks quickly, for TensorFlow is not loaded in it.
_running: dict[str, _Process] = {}


def try_model(*, path: str | os.PathLike[str] | None = None, content: bytes = b"") -> str | None:
    """Loads a .tflite, allocates its tensors and runs it once on zeros.

    Args:
        path: of the file, or
        content: of it.

    Returns:
        What LiteRT said where it refuses the model, else None.

    Raises:
        CrashError: LiteRT dies of it, or takes too much memory.
        TimeLimitError: it does not come back.
    """
    place = b"" if path is None else os.fsencode(Path(path).absolute())
    outcome, told = _ask("try_model", (INFERENCE_SECONDS, INFERENCE_MEMORY), place, content)
    return None if outcome in (OK, OPEN) else told.decode("utf-8", "replace")


def read_hdf5(path: str | os.PathLike[str], *, allowed: int) -> str | None:
    """Reads all of an HDF5 file, as loading it would.

    Args:
        path: of the file.
        allowed: bytes of an array; larger ones are not read.

    Returns:
        What HDF5 said of an attribute that it cannot read, else None.

    Raises:
        CrashError: HDF5 dies of it.
        TimeLimitError: it does not come back.
    """
    limits = HDF5_SECONDS, allowed + _SPARE_MEMORY
    place = os.fsencode(Path(path).absolute())
    outcome, told = _ask("read_hdf5", limits, place, str(allowed).encode())
    return None if outcome == OK else told.decode("utf-8", "replace")


def quantize(content: bytes, *, per_channel: bool) -> tuple[bytes, str | None]:
    """Rewrites a float .tflite, whose tensors have min and max, by TensorFlow's quantizer.

    Returns:
        The int8 .tflite, and what the quantizer said where it refuses the model, else None.

    Raises:
        CrashError: the quantizer dies of it.
        TimeLimitError: it does not come back.
    """
    outcome, told = _ask("quantize", (QUANTIZER_SECONDS, 0), b"1" if per_channel else b"", content)
    return (told, None) if outcome == OK else (b"", told.decode("utf-8", "replace"))


def expect_quantizer() -> None:
    """Loads TensorFlow where `quantize` will need it, while this process goes on."""
    with _lock, contextlib.suppress(OSError):
        _server_for("quantize").tell("quantize", (0, 0))


def _ask(task: str, limits: _Limits, first: bytes, second: bytes) -> tuple[int, bytes]:
    with _lock:
        try:
            outcome, told = _server_for(task).ask(task, limits, first, second)
        except (EOFError, OSError) as error:
            _stop(task)
            raise CrashError(
                "the process that runs it could not be started or was killed"
            ) from error
        except BaseException:
            # Ctrl-C: its answer would be taken for the next one's.
            _stop(task)
            raise
    if outcome == CRASHED:
        raise CrashError(_death(int(told)))
    if outcome == NO_MEMORY:
        raise CrashError("out of memory")
    if outcome == TIMED_OUT:
        raise TimeLimitError(f"it took over {limits[0]} s")
    if outcome == FAILED:
        raise RuntimeError(told.decode())
    assert outcome in (OK, REFUSED, OPEN)
    return outcome, told


def _death(number: int) -> str:
    return (signal.strsignal(number) or f"signal {number}").lower() if number else "it ended"


def _server_for(task: str) -> _Process:
    if task not in _running or not _running[task].is_usable:
        _running[task] = _Process()
    return _running[task]


def _stop(task: str) -> None:
    process = _running.pop(task, None)
    if process is not None and process.owner == os.getpid():
        process.stop()


def stop_all() -> None:
    """Ends the processes of this one, as its own end does."""
    for task in list(_running):
        _stop(task)


atexit.register(stop_all)
