"""Runs a job on a phone: checks, pushes, starts, listens, pulls, cleans up."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from tflq._errors import UserError
from tflq._limits import PHONE_LINE
from tflq._printable import printable
from tflq.bench._adb import Phone
from tflq.bench._answer import longest_answer
from tflq.bench._job import FOLDER, Job

PACKAGE = "org.tflq.bench"
OLDEST_API = 26
_RESULTS = f"/sdcard/Android/data/{PACKAGE}/files/results"
_POLL_SECONDS = 2.0
# Beyond what the job itself takes: starting, checking hashes, models that take long.
_SPARE_SECONDS = 180.0
# Polls without the app's process and without a result, before it is given up.
_PATIENCE = 3

Say = Callable[[str], None]


def run_job(phone: Phone, job: Job, say: Say) -> bytes:
    """Runs a job and gives its result file.

    A lost connection is waited for and taken up again; the app goes on without it. Whatever
    happens, nothing of the job stays on the phone but files named by their hash.

    Args:
        phone: where to run it.
        job: what to run.
        say: shows progress.

    Raises:
        UserError: the phone is too old or full, lacks the app, went away for good, or the app
            stopped or took too long.
    """
    check_android(phone)
    if not phone.shell("pm", "path", PACKAGE, check=False).strip():
        raise UserError(
            f"phone {phone.serial!r} has no app {PACKAGE}; build it in android_demo/ and "
            "adb install it."
        )
    remote = f"{FOLDER}/{job.id}.job.json"
    try:
        push_files(phone, job.files, say)
        phone.push(job.content, remote)
        _start(phone, job)
        _listen(phone, job, say)
        asked = job.description
        limit = longest_answer(runs=len(asked["runs"]), rounds=asked["rounds"])
        return phone.read(f"{_RESULTS}/{job.id}.json", limit)
    finally:
        _clean(phone, job, remote)


def check_android(phone: Phone) -> None:
    """Refuses what the app does not run on.

    Raises:
        UserError: Android is older than 8.0.
    """
    told = phone.shell("getprop", "ro.build.version.sdk").strip()
    if not told.isdecimal() or int(told) < OLDEST_API:
        raise UserError(
            f"phone {phone.serial!r} has Android API {told[:20]!r}; {OLDEST_API} (Android 8.0) or "
            "newer is needed."
        )


def push_files(phone: Phone, files: dict[str, bytes], say: Say) -> None:
    """Brings files to the phone, named by their sha256; those that are there stay.

    Raises:
        UserError: there is no room, or what arrives is not what was sent.
    """
    phone.shell("mkdir", "-p", FOLDER)
    # The app has to look into it.
    phone.shell("chmod", "755", FOLDER)
    for place, (digest, content) in enumerate(files.items()):
        say(f"{phone.serial}: file {place + 1} of {len(files)}")
        path = f"{FOLDER}/{digest}"
        if _digest(phone, path) == digest:
            continue
        phone.push(content, f"{path}.part")
        came = _digest(phone, f"{path}.part")
        if came != digest:
            phone.shell("rm", "-f", f"{path}.part")
            raise UserError(
                f"phone {phone.serial!r}: a file of {len(content)} bytes arrived damaged (sha256 "
                f"{came[:64]!r}, not {digest!r}); try another cable or port."
            )
        phone.shell("mv", "-f", f"{path}.part", path)
        phone.shell("chmod", "644", path)


def _digest(phone: Phone, path: str) -> str:
    told = phone.shell("sha256sum", path, check=False)
    return told.split(" ", 1)[0].strip()


def _start(phone: Phone, job: Job) -> None:
    phone.shell("am", "force-stop", PACKAGE)
    words = ("am", "start", "-W", "-S", "-n", f"{PACKAGE}/.JobActivity", "--es", "job", job.id)
    told = phone.shell(*words)
    if "Error" in told or "Exception" in told:
        reason = " ".join(told.split())[:200]
        raise UserError(
            f"phone {phone.serial!r}: the app does not start ({reason}); unlock the phone, and "
            "install the app that belongs to this version of tflq."
        )


def _listen(phone: Phone, job: Job, say: Say) -> None:
    """Shows the app's progress until its result is there."""
    patience = 2 * job.longest + _SPARE_SECONDS
    end = time.monotonic() + patience
    missed = 0
    with _progress(phone, job) as lines:
        while time.monotonic() < end:
            with suppress(queue.Empty):
                say(f"{phone.serial}: {_told(lines.get(timeout=_POLL_SECONDS))}")
                continue
            if _exists(phone, f"{_RESULTS}/{job.id}.json"):
                return
            running = phone.shell("pidof", PACKAGE, check=False)
            missed = 0 if running.strip() else missed + 1
            if missed == _PATIENCE:
                raise UserError(
                    f"phone {phone.serial!r}: the app stopped without a result; adb logcat tells "
                    "why, often it is memory."
                )
    raise UserError(
        f"phone {phone.serial!r}: no result after {patience:.0f} s; ask for fewer models or "
        "shorter rounds."
    )


def _exists(phone: Phone, path: str) -> bool:
    return phone.shell("ls", path, check=False).strip() == path


@contextmanager
def _progress(phone: Phone, job: Job) -> Iterator["queue.Queue[dict[str, Any]]"]:
    """The app's progress lines as they come, over lost connections as well."""
    lines: queue.Queue[dict[str, Any]] = queue.Queue(maxsize=1000)
    stopped = threading.Event()

    def follow() -> None:
        while not stopped.is_set():
            words = ("logcat", "-v", "raw", "-T", "1", "-s", "TflqBench:I")
            with phone.lines(*words) as process:
                assert process.stdout is not None, "a pipe was asked for"
                current.append(process)
                _collect(process.stdout, job, lines)
            stopped.wait(_POLL_SECONDS)

    current: list[Any] = []
    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield lines
    finally:
        stopped.set()
        for process in current:
            process.kill()
        thread.join(_POLL_SECONDS)


def _collect(stream: IO[bytes], job: Job, lines: "queue.Queue[dict[str, Any]]") -> None:
    while line := stream.readline(PHONE_LINE):
        with suppress(ValueError, RecursionError, queue.Full):
            told = json.loads(line)
            if isinstance(told, dict) and told.get("job") == job.id:
                lines.put_nowait(told)


def _told(progress: dict[str, Any]) -> str:
    """A progress line in words; it is a stranger's, so nothing in it is relied on."""
    keys = ("run", "runs", "round", "rounds")
    state = printable(str(progress.get("state")), 20)
    counts = [value for value in map(progress.get, keys) if isinstance(value, int)]
    if len(counts) < len(keys):
        return state
    run, runs, turn, turns = counts
    return f"round {turn + 1} of {turns}, run {run + 1} of {runs}: {state}"


def _clean(phone: Phone, job: Job, remote: str) -> None:
    """Takes away what only this job needed; a phone that is gone keeps it."""
    parts = [f"{FOLDER}/{digest}.part" for digest in job.files]
    results = [f"{_RESULTS}/{job.id}.json", f"{_RESULTS}/{job.id}.json.part"]
    with suppress(UserError):
        phone.shell("am", "force-stop", PACKAGE, check=False, patient=False)
        phone.shell("rm", "-f", remote, *parts, *results, check=False, patient=False)
