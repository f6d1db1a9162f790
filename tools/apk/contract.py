"""Whether the desk and the app understand each other, without a phone between them.

`tflq benchmark`'s own code writes a job, the app's logic does it on the JVM with the fake engine
and phone of its tests, and `tflq benchmark`'s own code reads the result.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from apk.process import BuildError
from tflq import UserError
from tflq.bench import Model, Pace, Run
from tflq.bench._answer import read_answer
from tflq.bench._job import make_job

MAIN = "org.tflq.bench.logic.DeskJob"
_PACE = Pace(rounds=3, seconds=1.0, fewest=5)


def check_contract(java: Callable[[Path, str], str]) -> None:
    """Has a job done.

    Args:
        java: runs `MAIN` with a folder and a job's id, and gives what it prints.

    Raises:
        BuildError: the app refuses the job, the desk refuses the result, or it says something
            else than what was done.
    """
    # The fake model adds one to each of its two codes.
    x = [np.array([[i, 2]], np.int8) for i in range(3)]
    model = Model(
        path="a model of ours.tflite",
        content=b"a model",
        inputs=tuple((value,) for value in x),
        expected=tuple((value + 1,) for value in x),
    )
    backends = (("xnnpack", 4), ("reference", 1), ("nnapi", 1))
    runs = [Run(model=model, backend=name, threads=count) for name, count in backends]
    job = make_job(runs, _PACE, accelerator="npu", energy=True)
    with tempfile.TemporaryDirectory() as folder:
        for digest, content in job.files.items():
            Path(folder, digest).write_bytes(content)
        Path(folder, f"{job.id}.job.json").write_bytes(job.content)
        told = java(Path(folder), job.id).encode()
    try:
        made, latencies, facts, _ = read_answer(
            told, job=job.id, runs=runs, device="JVM", rounds=_PACE.rounds
        )
    except UserError as error:
        raise BuildError(f"the desk cannot read the app's result: {error}") from error
    if any(m.error or m.identical != 1 for m in made) or len(latencies) != len(runs):
        raise BuildError(f"the app did something else than the desk asked for: {made}")
    if "Fake 1.0" not in facts["app"]:
        raise BuildError(f"the app describes itself as {facts['app']!r}")
