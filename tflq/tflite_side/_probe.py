"""Tries a file that a stranger made in a process of its own.

The runtime is C++ and trusts a model more than a file deserves: a damaged one can crash or hang
it, and with it the program that loads it.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tflq._errors import UserError
from tflq._reasons import runtime_reason
from tflq.tflite_side._graph import op_names

_SECONDS = 60
_RUNS_AT_NO_SIZE = 4
_SCRIPT = """
import sys, warnings
import numpy
warnings.simplefilter("ignore")
from ai_edge_litert.interpreter import Interpreter

def run(size):
    interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
    for detail in interpreter.get_input_details() if size else ():
        shape = [size if n < 0 < at else abs(n) for at, n in enumerate(detail["shape_signature"])]
        interpreter.resize_tensor_input(detail["index"], shape)
    interpreter.allocate_tensors()
    # What memory holds by chance is out of bounds for token ids.
    for detail in interpreter.get_input_details():
        if numpy.dtype(detail["dtype"]).kind != "S":
            interpreter.set_tensor(detail["index"], numpy.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()

def is_open():
    try:
        details = Interpreter(model_path=sys.argv[1], num_threads=1).get_input_details()
    except (RuntimeError, ValueError):
        return False
    return any(-1 in detail["shape_signature"][1:] for detail in details)

def attempt(size):
    try:
        run(size)
    except (RuntimeError, ValueError) as error:
        return error

error = attempt(0)
if error and is_open():
    # Few open sizes work as they are stored, which is 1.
    sys.exit(0 if any(attempt(size) is None for size in (32, 224)) else 4)
if error:
    print(error)
    sys.exit(3)
"""


def probe(path: str | os.PathLike[str], part: bytes | None = None) -> None:
    """Loads the file, allocates its tensors and runs it once, elsewhere.

    A file that leaves sizes open is tried at a few; that it runs at none of them tells nothing.

    Args:
        path: of the file.
        part: what was taken out of the file, to be tried in its place.

    Raises:
        UserError: the runtime refuses the model, crashes on it, or does not come back.
    """
    if part is None:
        _try(path, f"model file {os.fspath(path)!r}")
        return
    with tempfile.TemporaryDirectory(prefix="tflq-") as folder:
        taken = Path(folder, "part.tflite")
        taken.write_bytes(part)
        _try(taken, f"model file {os.fspath(path)!r}")


def _try(path: str | os.PathLike[str], name: str) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, os.fspath(path)],
            capture_output=True,
            timeout=_SECONDS,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{name} does not finish one inference in {_SECONDS} s; it is damaged or far too "
            "large for a phone."
        ) from None
    if done.returncode == 3:
        reason = runtime_reason(done.stdout, op_names(Path(path).read_bytes()))
        raise UserError(f"{name} does not run on LiteRT: {reason}.")
    if done.returncode not in (0, _RUNS_AT_NO_SIZE):
        raise UserError(
            f"{name} crashes the LiteRT runtime (exit status {done.returncode}): it is damaged; "
            "export or copy it again."
        )
