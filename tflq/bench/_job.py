"""The job that the app on a phone is given; its format is android_demo/PROTOCOL.md."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tflq._printable import printable
from tflq.bench._local import Pace, Run
from tflq.bench._model import Model

SCHEMA = "tflq-bench-job/1"
FOLDER = "/data/local/tmp/tflq-bench"
BACKENDS = ("xnnpack", "reference", "nnapi", "gpu")
_WARM_UP_SECONDS = 1.0
_COOL_DOWN_SECONDS = 5.0
# The app rests so many times as long where the phone is hotter than it was.
_MOST_COOLING = 6
_IDLE_SECONDS = 30.0
_FRAMES_PER_SECOND = 30.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job, with the files it needs.

    Attributes:
        id: 32 hexadecimal digits.
        files: content by sha256.
        description: the job as JSON will hold it.
    """

    id: str
    files: dict[str, bytes] = field(repr=False)
    description: dict[str, Any] = field(repr=False)

    @property
    def content(self) -> bytes:
        """The job's JSON."""
        return json.dumps(self.description, allow_nan=False).encode()

    @property
    def longest(self) -> float:
        """How long it takes in s where the phone has to cool down after every turn."""
        job = self.description
        energy = job["energy"]
        turn = job["seconds"] + job["warm_up_seconds"] + _MOST_COOLING * job["cool_down_seconds"]
        idle = 2 * energy["idle_seconds"] if energy else 0.0
        return float(len(job["runs"]) * job["rounds"] * turn + idle)


def make_job(
    runs: Sequence[Run], pace: Pace, *, accelerator: str | None = None, energy: bool = False
) -> Job:
    """Writes a job.

    Args:
        runs: what to measure, on backends of `BACKENDS`.
        pace: for how long.
        accelerator: of NNAPI, by name; None leaves the choice to it.
        energy: whether to measure energy, which takes a minute more.
    """
    files: dict[str, bytes] = {}
    models = list(dict.fromkeys(run.model for run in runs))
    job = {
        "schema": SCHEMA,
        "id": secrets.token_hex(16),
        "models": [_model(model, files) for model in models],
        "runs": [
            {
                "model": models.index(run.model),
                "backend": run.backend,
                "threads": run.threads,
                "accelerator": accelerator if run.backend == "nnapi" else None,
            }
            for run in runs
        ],
        "rounds": pace.rounds,
        "warm_up_seconds": _WARM_UP_SECONDS,
        "seconds": pace.seconds,
        "min_inferences": pace.fewest,
        "cool_down_seconds": _COOL_DOWN_SECONDS,
        "energy": {"idle_seconds": _IDLE_SECONDS, "frame_rate": _FRAMES_PER_SECOND}
        if energy
        else None,
    }
    job["files"] = {digest: {"bytes": len(content)} for digest, content in files.items()}
    return Job(id=str(job["id"]), files=files, description=job)


def _model(model: Model, files: dict[str, bytes]) -> dict[str, Any]:
    integer = all(want is not None for want in model.expected[0])
    return {
        # The phone shows it, and it is not a path there.
        "name": printable(model.path)[-100:],
        "file": _filed(model.content, files),
        "samples": len(model.inputs),
        "inputs": [_filed(_joined(arrays), files) for arrays in zip(*model.inputs, strict=True)],
        "expected": [_filed(_joined(arrays), files) for arrays in zip(*model.expected, strict=True)]
        if integer
        else [],
    }


def _joined(arrays: Sequence[np.ndarray | None]) -> bytes:
    return b"".join(
        np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<")).tobytes()
        for a in arrays
        if a is not None
    )


def _filed(content: bytes, files: dict[str, bytes]) -> str:
    digest = hashlib.sha256(content).hexdigest()
    files[digest] = content
    return digest
