"""Tries a file that a stranger made in a process of its own.

The runtime is C++ and trusts a model more than a file deserves: a damaged one can crash or hang
it, and with it the program that loads it.
"""

import os
import subprocess
import sys

from tflq._errors import UserError

_SECONDS = 60
_SCRIPT = """
import sys, warnings
import numpy
warnings.simplefilter("ignore")
from ai_edge_litert.interpreter import Interpreter
try:
    interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
    interpreter.allocate_tensors()
    # What memory holds by chance is out of bounds for token ids.
    for detail in interpreter.get_input_details():
        if numpy.dtype(detail["dtype"]).kind != "S":
            interpreter.set_tensor(detail["index"], numpy.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()
except (RuntimeError, ValueError) as error:
    print(error)
    sys.exit(3)
"""


def probe(path: str | os.PathLike[str]) -> None:
    """Loads the file, allocates its tensors and runs it once, elsewhere.

    Raises:
        UserError: the runtime refuses the model, crashes on it, or does not come back.
    """
    name = f"model file {os.fspath(path)!r}"
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
        reason = (done.stdout.strip().splitlines() or ["no reason given"])[0]
        raise UserError(f"{name} does not run on LiteRT: {reason}; export it again.")
    if done.returncode != 0:
        raise UserError(
            f"{name} crashes the LiteRT runtime (exit status {done.returncode}): it is damaged; "
            "export or copy it again."
        )
