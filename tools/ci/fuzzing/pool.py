"""Runs cases in processes that may die of them, and tells what became of each."""

import json
import os
import pickle
import random
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tflq
from fuzzing.readers import Case, DamagedOutputError, Reader
from tflq._errors import ConversionError, UserError

HANG_SECONDS = 20
# Whole files take milliseconds. Loops in damaged ones may go on for a second an inference, and an
# export makes a dozen; those that go on longer are told apart from hangs by these limits.
WAITS = {"INFERENCE_SECONDS": 1, "HDF5_SECONDS": 5}
_MOST_BYTES = 2 << 30


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a case.

    Attributes:
        number: of the case; with the seed it says all of it.
        reader: its name.
        kind: "read", "refused", "told" (a `ConversionError`), or what is a fault: "traceback",
            "crash", "hang", "memory", "unprintable", "damaged".
        detail: where, or why.
        seconds: it took.
    """

    number: int
    reader: str
    kind: str
    detail: str = ""
    seconds: float = 0.0

    @property
    def is_fault(self) -> bool:
        """Whether tflq is to be mended."""
        return self.kind not in ("read", "refused", "told")


@dataclass(frozen=True, kw_only=True)
class Cases:
    """All cases of a seed.

    Attributes:
        seed: of the random numbers.
        readers: to choose from.
        whole: files to be damaged, by the reader's name and their own.
    """

    seed: int
    readers: tuple[Reader, ...]
    whole: Mapping[str, Mapping[str, bytes]]

    def make(self, number: int, folder: Path) -> tuple[Reader, Case]:
        """A case, always the same for a number."""
        rng = random.Random(f"{self.seed} {number}")
        (reader,) = rng.choices(self.readers, [reader.share for reader in self.readers])
        whole = self.whole[reader.name]
        seed = whole[rng.choice(sorted(whole))]
        return reader, Case(content=reader.damage(seed, rng), seed=seed, folder=folder)


def make_whole(readers: Sequence[Reader], file: Path) -> dict[str, dict[str, bytes]]:
    """The files to be damaged, made once and kept.

    They are made in a process of its own: TensorFlow starts threads for it, and no process that has
    threads can be forked safely.
    """
    if not file.is_file():
        process = os.fork()
        if process == 0:
            made = {reader.name: dict(reader.seeds()) for reader in readers}
            file.write_bytes(pickle.dumps(made))
            _stop_server()
            os._exit(0)
        if os.waitpid(process, 0)[1]:
            raise RuntimeError("the files to be damaged could not be made")
    made = pickle.loads(file.read_bytes())
    return {str(reader.name): made[reader.name] for reader in readers}


def run_case(reader: Reader, case: Case, number: int = 0) -> Outcome:
    """Reads one damaged file here."""
    start, before = time.monotonic(), _peak()
    kind, detail = "read", ""
    try:
        text = str(reader.read(case))
    except UserError as error:
        kind, text = "refused", str(error)
    except ConversionError as error:
        kind, text = "told", str(error)
        detail = text
    except DamagedOutputError as error:
        kind, text, detail = "damaged", "", str(error)
    except Exception as error:
        kind, text, detail = "traceback", "", _where(error)
    if not all(c.isprintable() or c == "\n" for c in text) and kind in ("read", "refused", "told"):
        kind, detail = "unprintable", repr(text)[:300]
    elif _peak() - before > _MOST_BYTES and kind in ("read", "refused", "told"):
        kind, detail = "memory", f"{(_peak() - before) / 1e9:.1f} GB"
    seconds = time.monotonic() - start
    return Outcome(
        number=number, reader=reader.name, kind=kind, detail=detail, seconds=round(seconds, 3)
    )


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _where(error: Exception) -> str:
    """The error, and the last line of tflq that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    root = str(Path(tflq.__file__).parent)
    ours = [frame for frame in frames if frame.filename.startswith(root)] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].name}"
    return f"{type(error).__name__} in {place}: {str(error)[:200]}"


def run_cases(cases: Cases, numbers: range, processes: int) -> Iterator[Outcome]:
    """Runs cases in processes forked from this one, which must have imported all they need."""
    waiting = [list(numbers)[offset::processes] for offset in range(processes)]
    workers = [_Worker(cases, share) for share in waiting if share]
    try:
        while workers:
            ends = {worker.reading: worker for worker in workers}
            ready = select.select(list(ends), [], [], 1.0)[0]
            for end in ready:
                yield from ends[end].receive()
            for worker in workers:
                yield from worker.watch()
            workers = [worker for worker in workers if not worker.is_done]
    finally:
        for worker in workers:
            worker.kill()


class _Worker:
    """A process with a share of the cases; a new one takes over where it dies."""

    def __init__(self, cases: Cases, numbers: list[int]):
        self._cases, self._numbers = cases, numbers
        self.is_done = False
        self._start()

    def _start(self) -> None:
        self._base = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self.reading, writing = os.pipe()
        self._buffer, self._running, self._since = b"", 0, time.monotonic()
        sys.stdout.flush()
        self._process = os.fork()
        if self._process == 0:
            os.close(self.reading)
            _work(self._cases, self._numbers, self._base, writing)
        os.close(writing)

    def receive(self) -> Iterator[Outcome]:
        content = os.read(self.reading, 1 << 16)
        if not content:
            yield from self._ended()
            return
        self._since = time.monotonic()
        *lines, self._buffer = (self._buffer + content).split(b"\n")
        for line in lines:
            outcome = Outcome(**json.loads(line))
            self._numbers = [n for n in self._numbers if n != outcome.number]
            yield outcome

    def watch(self) -> Iterator[Outcome]:
        if not self.is_done and time.monotonic() - self._since > HANG_SECONDS:
            os.kill(self._process, signal.SIGKILL)
            yield from self._ended("hang", f"over {HANG_SECONDS} s")

    def kill(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        shutil.rmtree(self._base, ignore_errors=True)

    def _ended(self, kind: str = "crash", detail: str = "") -> Iterator[Outcome]:
        status = os.waitpid(self._process, 0)[1]
        os.close(self.reading)
        shutil.rmtree(self._base, ignore_errors=True)
        if not self._numbers:
            self.is_done = True
            return
        # Cases are taken in order: the first without an outcome is the one.
        number, *self._numbers = self._numbers
        with tempfile.TemporaryDirectory() as folder:
            reader, _ = self._cases.make(number, Path(folder))
        if not detail:
            died = os.WIFSIGNALED(status)
            detail = signal.Signals(os.WTERMSIG(status)).name if died else f"exit {status >> 8}"
        yield Outcome(number=number, reader=reader.name, kind=kind, detail=detail)
        if self._numbers:
            self._start()
        else:
            self.is_done = True


def _work(cases: Cases, numbers: list[int], base: Path, writing: int) -> None:
    """The life of a worker."""
    try:
        sink = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(sink, number)
        os.environ["TMPDIR"] = str(base)
        tempfile.tempdir = None
        with os.fdopen(writing, "wb") as out:
            for number in numbers:
                folder = base / "case"
                folder.mkdir()
                outcome = run_case(*cases.make(number, folder), number)
                shutil.rmtree(folder, ignore_errors=True)
                out.write(json.dumps(vars(outcome)).encode() + b"\n")
                out.flush()
    finally:
        _stop_server()
        os._exit(0)


def _stop_server() -> None:
    # Exit handlers are of the process that this one was forked from.
    from tflq.apart import _client

    _client.stop_all()
