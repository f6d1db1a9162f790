"""Drives LiteRT's own `benchmark_model`, where the user has pushed it to a phone.

It tells averages only, so a round is one figure: rounds give the interval, percentiles are theirs.
"""

import re
from collections.abc import Sequence

from tflq._errors import UserError
from tflq._printable import printable
from tflq.bench._adb import Phone
from tflq.bench._job import FOLDER
from tflq.bench._local import Pace, Rounds, Run
from tflq.bench._phone import Say, check_android, push_files
from tflq.bench._result import Measurement
from tflq.bench._statistics import summarize

_TIMINGS = re.compile(
    r"Inference timings in us: Init: ([0-9.e+]+), First inference: ([0-9.e+]+), "
    r"Warmup \(avg\): ([0-9.e+]+), Inference \(avg\): ([0-9.e+]+)"
)
_MEMORY = re.compile(
    r"Memory footprint delta from the start of the tool \(MB\):.* overall=([0-9.]+)"
)
_DELEGATES = {
    "xnnpack": "--use_xnnpack=true",
    "reference": "--use_xnnpack=false",
    "nnapi": "--use_nnapi=true",
    "gpu": "--use_gpu=true",
}
_SPARE_SECONDS = 120.0


def run_binary(
    phone: Phone,
    binary: str,
    runs: Sequence[Run],
    pace: Pace,
    *,
    accelerator: str | None,
    say: Say,
) -> tuple[list[Measurement], dict[int, Rounds]]:
    """Measures with `benchmark_model`.

    Args:
        phone: where.
        binary: its path on the phone.
        runs: what to measure.
        pace: for how long.
        accelerator: of NNAPI, by name, or None.
        say: shows progress.

    Returns:
        A measurement for every run, in order, and by its place the latencies of those that ran.

    Raises:
        UserError: the phone has no such binary, is too old or full, or went away.
    """
    check_android(phone)
    if phone.shell("ls", binary, check=False).strip() != binary:
        raise UserError(
            f"phone {phone.serial!r} has no {binary!r}; adb push benchmark_model there and make "
            "it executable."
        )
    files = {run.model.digest: run.model.content for run in runs}
    push_files(phone, files, say)
    told: dict[int, list[str]] = {place: [] for place in range(len(runs))}
    for turn in range(pace.rounds):
        for place, run in enumerate(runs):
            say(
                f"{phone.serial}: round {turn + 1} of {pace.rounds}, run {place + 1} of {len(runs)}"
            )
            words = (binary, *_flags(run, pace, accelerator))
            seconds = 3 * pace.seconds + _SPARE_SECONDS
            told[place].append(phone.shell(*words, check=False, seconds=seconds))
    made, latencies = [], {}
    for place, run in enumerate(runs):
        found = [_TIMINGS.search(text) for text in told[place]]
        if all(found):
            latencies[place] = [[float(match[4]) / 1000] for match in found if match]
        made.append(_measurement(phone.serial, run, told[place], latencies.get(place)))
    return made, latencies


def _flags(run: Run, pace: Pace, accelerator: str | None) -> list[str]:
    flags = [
        f"--graph={FOLDER}/{run.model.digest}",
        f"--num_threads={run.threads}",
        f"--min_secs={pace.seconds}",
        f"--num_runs={pace.fewest}",
        _DELEGATES[run.backend],
    ]
    if run.backend == "nnapi" and accelerator:
        flags.append(f"--nnapi_accelerator_name={accelerator}")
    return flags


def _measurement(device: str, run: Run, told: Sequence[str], rounds: Rounds | None) -> Measurement:
    if rounds is None:
        failed = next(text for text in told if not _TIMINGS.search(text))
        lines = [line for line in failed.splitlines() if line.strip()] or ["nothing was printed"]
        reason = printable(lines[-1], 200)
        return Measurement(**run.facts(device), error=f"benchmark_model: {reason}")
    first = _TIMINGS.search(told[0])
    assert first is not None, "rounds come of timings"
    memory = _MEMORY.search(told[0])
    return Measurement(
        **run.facts(device),
        initialisation_ms=float(first[1]) / 1000,
        first_ms=float(first[2]) / 1000,
        latency=summarize(rounds),
        peak_memory=None if memory is None else int(1e6 * float(memory[1])),
        flags=("averages of rounds",),
    )
