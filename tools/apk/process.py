"""Commands that are run, and how they fail."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_SHOWN_LINES = 40


class BuildError(Exception):
    """What is missing or wrong, and what to do, in one sentence."""


def run(
    command: Sequence[str | Path],
    *,
    to: str,
    advice: str = "",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What a command prints to standard output.

    Args:
        command: the program and its arguments.
        to: what it is for, to complete "cannot …" when it fails.
        advice: a sentence on what to do when it fails.
        cwd: the folder to run it in.
        environment: variables to set on top of this process's.

    Raises:
        BuildError: it is not there, or its exit status is not 0.
    """
    words = [str(word) for word in command]
    variables = {**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})}
    try:
        done = subprocess.run(
            words, cwd=cwd, env=variables, capture_output=True, text=True, errors="replace"
        )
    except OSError as error:
        raise BuildError(
            f"cannot {to}: {words[0]} does not run ({error.strerror}). {advice}".strip()
        ) from error
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()[-_SHOWN_LINES:]
        sentence = f"cannot {to}: {Path(words[0]).name} ended with {done.returncode}. {advice}"
        raise BuildError("\n".join([sentence.strip(), *lines]))
    return done.stdout
