"""The process that `_client` starts: each task in a child of its own, which may die of it.

Forking is quick once LiteRT and TensorFlow are loaded here; this process itself never reads a
model. It is run as a script and imports nothing of tflq, so that nothing but Python's own path
decides what it loads. It ends with the process that started it.

A request is a task's name, its limits in seconds and in bytes of memory (0: none), and two pieces
of data; a reply is an outcome and a piece of data, whose meaning `_client` has.
"""

import contextlib
import importlib
import os
import select
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import IO, Any

OK, REFUSED, OPEN, NO_MEMORY, CRASHED, TIMED_OUT, FAILED = range(7)

# Sizes that models are tried at which leave theirs open.
_SIZES = (32, 224)
_PIECE = 1 << 20

Outcome = tuple[int, bytes]


def send(stream: IO[bytes], *pieces: bytes) -> None:
    """Writes pieces, each with its length before it."""
    for piece in pieces:
        stream.write(struct.pack("<Q", len(piece)))
        stream.write(piece)
    stream.flush()


def receive(stream: IO[bytes], count: int) -> list[bytes]:
    """Reads what `send` wrote; raises EOFError where the other end is gone."""
    return [_exactly(stream, struct.unpack("<Q", _exactly(stream, 8))[0]) for _ in range(count)]


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content


def try_model(path: bytes, content: bytes) -> Outcome:
    """Loads a model, allocates its tensors and runs it once on zeros.

    Models that leave sizes open are tried at a few; that one runs at none of them tells nothing.
    """
    error = _attempt(path, content, 0)
    if error is None:
        return OK, b""
    if not _is_open(path, content):
        return REFUSED, str(error).encode("utf-8", "replace")
    fits = any(_attempt(path, content, size) is None for size in _SIZES)
    return (OK, b"") if fits else (OPEN, b"")


def _interpreter(path: bytes, content: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    try:
        name = path.decode()
    except UnicodeDecodeError:
        # Of files, LiteRT takes names that are text.
        name, content = "", Path(os.fsdecode(path)).read_bytes()
    if name:
        return Interpreter(model_path=name, num_threads=1)
    return Interpreter(model_content=content, num_threads=1)


def _attempt(path: bytes, content: bytes, size: int) -> Exception | None:
    try:
        _run(_interpreter(path, content), size)
    # Names that are no text, and sizes beyond what an array can have, come as these.
    except (RuntimeError, ValueError) as error:
        if not str(error):
            # Of memory that it does not get, LiteRT says nothing.
            raise MemoryError from error
        return error
    return None


def _run(interpreter: Any, size: int) -> None:
    import numpy as np

    for detail in interpreter.get_input_details() if size else ():
        signature = enumerate(detail["shape_signature"])
        shape = [size if n < 0 < at else abs(n) for at, n in signature]
        interpreter.resize_tensor_input(detail["index"], shape)
    interpreter.allocate_tensors()
    # What memory holds by chance is out of bounds for token ids.
    for detail in interpreter.get_input_details():
        # NumPy has no texts of no length.
        dtype = "S1" if np.dtype(detail["dtype"]).kind == "S" else detail["dtype"]
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], dtype))
    interpreter.invoke()
    # What this tells is read later, too.
    for name in interpreter.get_signature_list():
        interpreter.get_signature_runner(name).get_output_details()
    for detail in interpreter.get_output_details():
        interpreter.get_tensor(detail["index"])


def _is_open(path: bytes, content: bytes) -> bool:
    try:
        details = _interpreter(path, content).get_input_details()
    except (RuntimeError, ValueError):
        return False
    return any(-1 in detail["shape_signature"][1:] for detail in details)


def quantize(per_channel: bytes, content: bytes) -> Outcome:
    """Rewrites a float model whose tensors have ranges, by TensorFlow's quantizer."""
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    try:
        quantized: bytes = mlir_quantize(
            content,
            disable_per_channel=not per_channel,
            fully_quantize=True,
            input_data_type=tf.int8,
            output_data_type=tf.int8,
        )
    except Exception as error:
        # The quantizer raises bare RuntimeErrors that carry MLIR's diagnostics.
        return REFUSED, str(error).encode("utf-8", "replace")
    return OK, quantized


def read_hdf5(path: bytes, allowed: bytes) -> Outcome:
    """Reads all attributes of an HDF5 file, and arrays of up to so many bytes.

    Attributes that are damaged are told; others tell what is wrong with the rest.
    """
    import h5py

    def read(_: str, item: Any) -> OSError | None:
        try:
            with contextlib.suppress(TypeError, ValueError):
                for name in item.attrs:
                    item.attrs[name]
        except OSError as error:
            return error
        if isinstance(item, h5py.Dataset) and not (item.external or item.is_virtual):
            with contextlib.suppress(Exception):
                if item.nbytes <= int(allowed):
                    item[()]
        return None

    with contextlib.suppress(Exception), h5py.File(os.fsdecode(path), "r") as file:
        error = read("", file) or file.visititems(read)
        if error is not None:
            return REFUSED, str(error).encode("utf-8", "replace")
    return OK, b""


# What a task needs loaded, and what it is.
_TASKS: dict[bytes, tuple[tuple[str, ...], Callable[[bytes, bytes], Outcome]]] = {
    b"try_model": (("numpy", "ai_edge_litert.interpreter"), try_model),
    b"read_hdf5": (("h5py",), read_hdf5),
    b"quantize": (("tensorflow", "tensorflow.lite.python.convert"), quantize),
}


def _load(task: bytes) -> list[ModuleType]:
    return [importlib.import_module(name) for name in _TASKS[task][0]]


def _apart(
    task: bytes, limits: tuple[float, int], first: bytes, second: bytes, watched: int
) -> Outcome:
    """Runs a task in a child; stops it when its time is over or nobody waits any more."""
    seconds, memory = limits
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(task, memory, first, second, writing)
    os.close(writing)
    content = _result(reading, seconds, watched)
    os.close(reading)
    if content is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return TIMED_OUT, b""
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) or not content:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return CRASHED, str(number).encode()
    return content[0], content[1:]


def _be_child(task: bytes, memory: int, first: bytes, second: bytes, writing: int) -> None:
    try:
        _limit(memory)
        outcome, content = _TASKS[task][1](first, second)
    except MemoryError:
        outcome, content = NO_MEMORY, b""
    except BaseException:
        outcome, content = FAILED, traceback.format_exc().encode("utf-8", "replace")
    try:
        with os.fdopen(writing, "wb") as stream:
            stream.write(bytes([outcome]))
            stream.write(content)
    finally:
        os._exit(0)


def _limit(memory: int) -> None:
    """Leaves no core file, and takes no more memory than `memory` bytes above what it has."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    statistics = Path("/proc/self/statm")
    if memory and statistics.exists():
        held = int(statistics.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + memory, held + memory))


def _result(reading: int, seconds: float, watched: int) -> bytes | None:
    """All that a child writes; None where it takes too long, or the program has gone."""
    pieces: list[bytes] = []
    end = time.monotonic() + seconds
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    poll.register(watched, select.POLLHUP)
    while True:
        ready = dict(poll.poll(max(0.0, 1000 * (end - time.monotonic()))))
        if watched in ready or not ready:
            return None
        piece = os.read(reading, _PIECE)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def main() -> None:
    """Serves until the other end closes."""
    # Ctrl-C reaches all processes of a terminal; the one that started this decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # Libraries print to where replies go.
    sink = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(sink, number)
    while True:
        task, seconds, memory, first, second = receive(requests, 5)
        _load(task)
        if not float(seconds):
            # Only to be ready when it is asked.
            continue
        limits = float(seconds), int(memory)
        outcome, content = _apart(task, limits, first, second, requests.fileno())
        send(replies, bytes([outcome]), content)


if __name__ == "__main__":
    # The folder of a script comes first on Python's path; nothing is to be loaded from this one.
    own = str(Path(__file__).parent)
    sys.path = [entry for entry in sys.path if entry not in ("", own)]
    try:
        main()
    except (EOFError, BrokenPipeError):
        os._exit(0)
