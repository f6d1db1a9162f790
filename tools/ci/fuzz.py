"""Damages files of every kind that tflq reads, and reads them.

    python tools/ci/fuzz.py --cases=100000 --results=FOLDER [--seed=0] [--processes=2]
    python tools/ci/fuzz.py --smoke
    python tools/ci/fuzz.py --only=4711 [--seed=0] [--keep=FOLDER]

A reader may read a damaged file or refuse it in a sentence. It may not crash, hang for over 20 s,
end in a traceback, take over 2 GB, show what a terminal would obey, or leave an output that is
neither whole nor what was there before. Cases are random and repeatable: `--only` runs one again
here, with its traceback, and `--keep` writes it into a folder, such as `tests/corpus`. With
`--results`, outcomes are added to a file there by the thousands, and a run that was cut off goes
on. `--smoke` runs a few thousand.
Exits with 1 where there is a fault.
"""

import json
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from absl import app, flags
from fuzzing.corpus import keep
from fuzzing.pool import WAITS, Cases, Outcome, make_whole, run_cases
from fuzzing.readers import READERS

from tflq.apart import _client

_CASES = flags.DEFINE_integer("cases", 1000, "how many")
_SEED = flags.DEFINE_integer("seed", 0, "of the random numbers")
_PROCESSES = flags.DEFINE_integer("processes", 2, "how many at once")
_RESULTS = flags.DEFINE_string("results", None, "folder that outcomes are added to")
_SMOKE = flags.DEFINE_bool("smoke", False, "a few thousand cases")
_ONLY = flags.DEFINE_integer("only", None, "a single case, here")
_KEEP = flags.DEFINE_string("keep", None, "folder to keep the case of --only in")
_READERS = flags.DEFINE_list("readers", None, "only these; cases are others than with all")

_SMOKE_CASES = 4000
_BATCH = 5000


def main(_: list[str]) -> None:
    """Runs the cases, prints what became of them."""
    vars(_client).update(WAITS)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(_RESULTS.value or folder)
        kept.mkdir(parents=True, exist_ok=True)
        whole = make_whole(READERS, kept / "whole.pickle")
    wanted = tuple(r for r in READERS if not _READERS.value or r.name in _READERS.value)
    cases = Cases(seed=_SEED.value, readers=wanted, whole=whole)
    if _ONLY.value is not None:
        _run_one(cases, _ONLY.value)
        return
    start, count = time.monotonic(), _SMOKE_CASES if _SMOKE.value else _CASES.value
    outcomes = list(_all(cases, count))
    print(_summary(outcomes, time.monotonic() - start))
    sys.exit(1 if any(outcome.is_fault for outcome in outcomes) else 0)


def _run_one(cases: Cases, number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reader, case = cases.make(number, Path(folder))
        print(f"case {number}: {reader.name}, {len(case.content)} bytes")
        if _KEEP.value:
            keep(reader, case, Path(_KEEP.value) / f"seed_{cases.seed}_{number}")
        try:
            print(reader.read(case))
        except Exception:
            traceback.print_exc()


def _all(cases: Cases, count: int) -> Iterator[Outcome]:
    """Outcomes of all cases, those of earlier runs first."""
    file = Path(_RESULTS.value, f"seed_{cases.seed}.jsonl") if _RESULTS.value else None
    done = 0
    if file is not None and file.is_file():
        kept = [Outcome(**json.loads(line)) for line in file.read_text().splitlines()]
        # A batch is written whole or, by a run that was cut off, in part.
        done = len(kept) // _BATCH * _BATCH
        yield from kept[:done]
        file.write_text("".join(_line(outcome) for outcome in kept[:done]))
    for start in range(done, count, _BATCH):
        batch = range(start, min(start + _BATCH, count))
        made = sorted(run_cases(cases, batch, _PROCESSES.value), key=lambda o: o.number)
        if file is not None:
            with file.open("a") as out:
                out.writelines(_line(outcome) for outcome in made)
        for outcome in made:
            if outcome.is_fault:
                print(f"{outcome.number}: {outcome.reader}: {outcome.kind}: {outcome.detail}")
        print(f"{batch.stop} of {count}", flush=True)
        yield from made


def _line(outcome: Outcome) -> str:
    return json.dumps(vars(outcome)) + "\n"


def _summary(outcomes: list[Outcome], seconds: float) -> str:
    kinds = sorted({outcome.kind for outcome in outcomes})
    counts = Counter((outcome.reader, outcome.kind) for outcome in outcomes)
    lines = [f"{'reader':<24}" + "".join(f"{kind:>12}" for kind in kinds) + f"{'slowest':>12}"]
    for reader in sorted({outcome.reader for outcome in outcomes}):
        slowest = max(o.seconds for o in outcomes if o.reader == reader)
        cells = "".join(f"{counts[reader, kind]:>12}" for kind in kinds)
        lines.append(f"{reader:<24}{cells}{slowest:>10.1f} s")
    faults = Counter(
        f"{o.reader}: {o.kind}: {o.detail.split(':')[0]}" for o in outcomes if o.is_fault
    )
    lines += ["", f"{len(faults)} kinds of faults"]
    lines += [f"{count:>6}  {fault}" for fault, count in faults.most_common()]
    return "\n".join([*lines, f"{len(outcomes)} cases, {seconds:.0f} s here"])


if __name__ == "__main__":
    app.run(main)
