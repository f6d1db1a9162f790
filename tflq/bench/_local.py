"""Measures models on this machine, in rounds that are interleaved."""

import gc
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._progress import track
from tflq.bench._fresh import measure_start
from tflq.bench._model import Model
from tflq.bench._result import Measurement
from tflq.bench._session import LOCAL_BACKENDS, Session
from tflq.bench._statistics import summarize

LOCAL = "local"
_WARM_UP_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Run:
    """A model on a backend."""

    model: Model
    backend: str
    threads: int

    def facts(self, device: str) -> dict[str, Any]:
        """What every `Measurement` of it says, measured or not."""
        return {
            "device": device,
            "model": self.model.path,
            "backend": self.backend,
            "threads": self.threads,
            "size": len(self.model.content),
        }


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long to measure.

    Attributes:
        rounds: how often every run has its turn.
        seconds: of one turn.
        fewest: inferences of one turn, which then takes longer.
    """

    rounds: int
    seconds: float
    fewest: int


# Latencies of one run in ms, round by round.
Rounds = list[list[float]]


@dataclass(frozen=True, kw_only=True)
class DeviceResult:
    """What one device gave.

    Attributes:
        measurements: one a run, in order.
        latencies: in ms, by place of the run, of those that ran.
        facts: what the device is.
        flags: what holds for all of it.
    """

    measurements: list[Measurement]
    latencies: dict[int, Rounds]
    facts: dict[str, str]
    flags: tuple[str, ...] = ()


def measure_here(runs: Sequence[Run], pace: Pace) -> DeviceResult:
    """Measures on this machine.

    Args:
        runs: what to measure.
        pace: for how long.

    Raises:
        UserError: a backend is not here.
    """
    for run in runs:
        if run.backend not in LOCAL_BACKENDS:
            raise UserError(
                f"backend {run.backend!r} is not here but on phones; choose one of: "
                f"{', '.join(LOCAL_BACKENDS)}, or give device=."
            )
    sessions: dict[int, Session] = {}
    errors: dict[int, str] = {}
    for place, run in enumerate(runs):
        try:
            sessions[place] = Session(run.model.content, backend=run.backend, threads=run.threads)
        except UserError as error:
            errors[place] = str(error)
    identical = {p: _identical(session, runs[p].model) for p, session in sessions.items()}
    latencies = _interleaved(sessions, runs, pace)
    for session in sessions.values():
        session.close()
    made = [
        Measurement(**run.facts(LOCAL), error=errors[place])
        if place in errors
        else _measurement(run, latencies[place], identical[place])
        for place, run in enumerate(runs)
    ]
    return DeviceResult(measurements=made, latencies=latencies, facts=_describe())


def _describe() -> dict[str, str]:
    """What this machine is, in words."""
    facts = {"machine": platform.machine(), "system": f"{platform.system()} {platform.release()}"}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        facts |= {"processor": names[0]} if names else {}
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor.is_file():
        facts["governor"] = governor.read_text(errors="replace").strip()
    facts["cores"] = str(os.cpu_count())
    facts["runtime"] = f"LiteRT {version('ai-edge-litert')}"
    facts["python"] = platform.python_version()
    return facts


def _interleaved(
    sessions: dict[int, Session], runs: Sequence[Run], pace: Pace
) -> dict[int, Rounds]:
    latencies: dict[int, Rounds] = {place: [] for place in sessions}
    turns = [(turn, place) for turn in range(pace.rounds) for place in sessions]
    rounds = track(turns, description="measuring", total=len(turns), unit="rounds")
    collecting = gc.isenabled()
    try:
        gc.disable()
        for turn, place in rounds:
            session, inputs = sessions[place], runs[place].model.inputs
            session.feed(inputs[turn % len(inputs)])
            session.repeat(_WARM_UP_SECONDS, 2)
            latencies[place].append(session.repeat(pace.seconds, pace.fewest))
    finally:
        if collecting:
            gc.enable()
    return latencies


def _identical(session: Session, model: Model) -> float | None:
    """The share of integer output codes that XNNPACK gives as well."""
    same = count = 0
    for sample, expected in zip(model.inputs, model.expected, strict=True):
        for came, want in zip(session.run(sample), expected, strict=True):
            if want is not None:
                same += int(np.count_nonzero(came == want))
                count += want.size
    return same / count if count else None


def _measurement(run: Run, rounds: Rounds, identical: float | None) -> Measurement:
    start = measure_start(run.model.path, backend=run.backend, threads=run.threads)
    latency = summarize(rounds)
    plan = run.model.delegation
    return Measurement(
        **run.facts(LOCAL),
        initialisation_ms=start.initialisation_ms,
        first_ms=start.first_ms,
        latency=latency,
        peak_memory=start.peak_memory,
        ops=plan.delegated + len(plan.left),
        delegated=plan.delegated if run.backend == "xnnpack" else 0,
        identical=identical,
        flags=("slowed",) if latency.slowed else (),
    )
