"""Phones through the `adb` binary of the Android platform tools.

Every argument goes to adb as it is, without a shell of this machine; what reaches the phone's
shell is quoted word by word.
"""

import contextlib
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

from tflq._errors import UserError
from tflq._limits import ADB_OUTPUT, ADB_SECONDS, PHONE_BACK_SECONDS, PUSH_SECONDS
from tflq._printable import printable
from tflq._run_folder import RunFolder

_ATTEMPTS = 3
_WHERE = "install the Android platform tools, or pip install 'tflq[phone]', which brings adb"
_STATES = {
    "unauthorized": "unlock it and allow USB debugging for this computer",
    "authorizing": "unlock it and allow USB debugging for this computer",
    "offline": "unplug it and plug it in again, or adb reconnect",
    "no permissions": "add a udev rule for it, or run adb kill-server and try again",
    "recovery": "start Android on it",
    "sideload": "start Android on it",
    "bootloader": "start Android on it",
}


def find_adb() -> str:
    """The adb binary: of the PATH, else the one that the package adbutils brings.

    Raises:
        UserError: there is neither.
    """
    found = shutil.which("adb")
    if found:
        return found
    try:
        from adbutils import adb_path
    except ImportError:
        raise UserError(f"adb is not on the PATH; {_WHERE}.") from None
    return str(adb_path())


def choose_phones(device: str) -> tuple["Phone", ...]:
    """Finds phones that are ready.

    Args:
        device: a serial number as `adb devices` tells it; "phone" for the only one there is,
            "all" for all that are ready.

    Raises:
        UserError: there is none, several where one was asked for, or it is not ready.
    """
    adb = find_adb()
    states = _states(adb)
    listed = ", ".join(f"{serial!r} ({state})" for serial, state in states.items())
    if not states:
        raise UserError(
            "no phone is connected; plug one in with USB debugging on, or adb connect ADDRESS."
        )
    if device == "all":
        ready = [serial for serial, state in states.items() if state == "device"]
        if not ready:
            raise UserError(f"no phone is ready: {listed}; unlock one and allow USB debugging.")
        return tuple(Phone(adb, serial) for serial in ready)
    if device == "phone":
        if len(states) > 1:
            raise UserError(f"several phones are connected: {listed}; name one, or take 'all'.")
        (device,) = states
    if device not in states:
        raise UserError(f"phone {device!r} is not connected; there are: {listed}.")
    state = states[device]
    if state != "device":
        what = next((advice for name, advice in _STATES.items() if state.startswith(name)), None)
        raise UserError(f"phone {device!r} is {state}; {what or 'make it ready'}.")
    return (Phone(adb, device),)


def _states(adb: str) -> dict[str, str]:
    done = _run([adb, "devices"], ADB_SECONDS)
    if done.returncode:
        raise UserError(f"adb devices failed: {_reason(done)}; try adb kill-server.")
    lines = done.stdout.decode(errors="replace").splitlines()
    rows = [line.split("\t", 1) for line in lines if "\t" in line]
    return {serial.strip(): state.strip() for serial, state in rows}


class Phone:
    """One phone.

    Args:
        adb: path of the binary.
        serial: as `adb devices` tells it.
    """

    def __init__(self, adb: str, serial: str):
        self._adb, self.serial = adb, serial

    def shell(
        self, *words: str, check: bool = True, patient: bool = True, seconds: float = ADB_SECONDS
    ) -> str:
        """Runs a command on the phone; again, where the phone was lost meanwhile and came back.

        Args:
            words: the command and its arguments, each of which is quoted.
            check: whether to fail where the command does.
            patient: whether to wait for a phone that is lost.
            seconds: how long it may take.

        Returns:
            What it printed.

        Raises:
            UserError: the command failed, or the phone went away for good.
        """
        done = self._do(["shell", shlex.join(words)], seconds, patient=patient)
        if done.returncode and check:
            raise UserError(
                f"phone {self.serial!r}: {words[0]} failed: {_reason(done)}; unlock the phone and "
                "try again."
            )
        return done.stdout.decode(errors="replace")

    def push(self, content: bytes, remote: str) -> None:
        """Writes a file on the phone, readable by all.

        Raises:
            UserError: there is no room for it, or the phone went away for good.
        """
        with RunFolder() as folder:
            local = Path(folder, "file")
            local.write_bytes(content)
            local.chmod(0o644)
            done = self._do(["push", str(local), remote], PUSH_SECONDS)
        if done.returncode:
            reason = _reason(done)
            advice = "free some" if "space" in reason else "check the phone's storage"
            raise UserError(
                f"phone {self.serial!r}: {len(content) / 1e6:.1f} MB could not be written: "
                f"{reason}; {advice} and try again."
            )

    def read(self, remote: str, limit: int) -> bytes:
        """The content of a file on the phone; never more than `limit` bytes are taken.

        Raises:
            UserError: it is larger, does not come whole, or the phone went away for good.
        """
        told = self.shell("stat", "-c", "%s", remote).strip()
        if not told.isdecimal() or len(told) > 12 or int(told) > limit:
            raise UserError(
                f"phone {self.serial!r}: {remote} has {told[:20]!r} bytes, more than the {limit} "
                "that a result may have; install the app again."
            )
        for _ in range(_ATTEMPTS):
            content = self._taken(remote, int(told))
            if len(content) == int(told):
                return content
            if not self._came_back():
                break
        raise UserError(
            f"phone {self.serial!r}: {remote} does not come whole ({len(content)} of {told} "
            "bytes); try another cable or port."
        )

    def _taken(self, remote: str, count: int) -> bytes:
        words = shlex.join(["head", "-c", str(count), remote])
        command = [self._adb, "-s", self.serial, "exec-out", words]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None, "a pipe was asked for"
            content = process.stdout.read(count)
            process.kill()
        return content

    @contextlib.contextmanager
    def lines(self, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A command that goes on printing; its process ends with the context."""
        command = [self._adb, "-s", self.serial, "shell", shlex.join(words)]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def _do(
        self, arguments: Sequence[str], seconds: float, *, patient: bool = True
    ) -> "subprocess.CompletedProcess[bytes]":
        """Runs adb, and again when the phone was lost meanwhile and came back."""
        for _ in range(_ATTEMPTS if patient else 1):
            done = _run([self._adb, "-s", self.serial, *arguments], seconds)
            # adb says in many ways that a phone is gone, and in some cases nothing at all.
            if not done.returncode or self._is_ready():
                return done
            if not patient or not self._came_back():
                break
        raise UserError(
            f"phone {self.serial!r} was lost ({_reason(done)}); connect it again and start anew."
        )

    def _is_ready(self) -> bool:
        return _states(self._adb).get(self.serial) == "device"

    def _came_back(self) -> bool:
        """Waits for the phone, and asks for it where it is on the network."""
        end = time.monotonic() + PHONE_BACK_SECONDS
        while time.monotonic() < end:
            if self._is_ready():
                return True
            if ":" in self.serial:
                _run([self._adb, "connect", self.serial], ADB_SECONDS)
            time.sleep(0.5)
        return False


def _run(command: Sequence[str], seconds: float) -> "subprocess.CompletedProcess[bytes]":
    """Runs adb; what a phone prints without an end is cut off with the process that hands it on."""
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise UserError(f"adb cannot be run: {error.strerror}; {_WHERE}.") from error
    assert process.stdout is not None and process.stderr is not None, "pipes were asked for"
    end = time.monotonic() + seconds
    with process, ThreadPoolExecutor(2) as pool:
        parts = [pool.submit(s.read, ADB_OUTPUT + 1) for s in (process.stdout, process.stderr)]
        ahead = set(parts)
        try:
            while ahead:
                done, ahead = wait(ahead, end - time.monotonic(), FIRST_COMPLETED)
                if any(len(part.result()) > ADB_OUTPUT for part in done):
                    raise UserError(f"adb {command[-2]} told more than {ADB_OUTPUT} bytes.")
                if not done:
                    raise subprocess.TimeoutExpired(command, seconds)
            code = process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise UserError(f"adb {command[-2]} did not answer in {seconds:.0f} s.") from None
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, code, *(part.result() for part in parts))


def _reason(done: "subprocess.CompletedProcess[bytes]") -> str:
    """The last line that says something, without what could move a terminal's cursor."""
    text = (done.stderr + b"\n" + done.stdout).decode(errors="replace")
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    last = lines[-1] if lines else f"exit status {done.returncode}"
    return printable(last, 300)
