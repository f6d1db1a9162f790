"""Runs a script in a fresh Python that takes nothing from the current folder."""

import subprocess
import sys

# With -c, Python looks for modules in the current folder first: a numpy.py that lies there, beside
# a downloaded model, would be run. Its own switch against that is newer than Python 3.10.
_PATH = "import sys; sys.path[:] = [entry for entry in sys.path if entry]\n"


def run_script(script: str, *arguments: str, seconds: float) -> "subprocess.CompletedProcess[str]":
    r"""Runs Python code and waits for it.

    Args:
        script: the code, which finds the arguments from `sys.argv[1]` on.
        arguments: for the script.
        seconds: it may take, in s.

    Raises:
        subprocess.TimeoutExpired: it took longer.

    Example:
        >>> run_script("import sys; print(sys.argv[1])", "hello", seconds=60).stdout
        'hello\n'
    """
    return subprocess.run(
        [sys.executable, "-c", _PATH + script, *arguments],
        capture_output=True,
        timeout=seconds,
        text=True,
        errors="replace",
    )
