"""Reads what a phone answered, and believes none of it unchecked."""

import json
import reprlib
from collections.abc import Sequence
from typing import Any

from tflq._errors import UserError
from tflq._limits import PHONE_ANSWER, PHONE_LATENCIES, PHONE_TEXT_CHARACTERS
from tflq._printable import printable
from tflq.bench._local import Rounds, Run
from tflq.bench._result import Energy, Measurement
from tflq.bench._statistics import summarize

SCHEMA = "tflq-bench-result/1"
_MOST_ROUNDS, _MOST_FLAGS = 1000, 32
# Bytes of a latency, of what else is told of a run, and of the phone.
_LATENCY_BYTES, _RUN_BYTES, _PHONE_BYTES = 24, 2**14, 2**16
# A day, in ms; 1 TB; and what no battery gives.
_LONGEST, _LARGEST, _MOST = 86_400_000.0, 1e12, 1e9


# Of what is not as it should be, only the beginning is written out.
_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxlong = 2, 60, 60


class _FaultError(Exception):
    """Where the answer is not as it should be, and what came."""


class _Object:
    """A JSON object whose values are asked for by name and kind."""

    def __init__(self, value: Any, where: str):
        if not isinstance(value, dict):
            raise _FaultError(f"{where} is {_short(value)} in place of an object")
        self._value, self._where = value, where

    def get(self, name: str) -> Any:
        if name not in self._value:
            raise _FaultError(f"{self._where} has no {name!r}")
        return self._value[name]

    def inner(self, name: str) -> "_Object":
        return _Object(self.get(name), f"{self._where}.{name}")

    def items(self, name: str, most: int) -> list[Any]:
        value = self.get(name)
        if not isinstance(value, list) or len(value) > most:
            raise _FaultError(f"{self._where}.{name} is no list of at most {most}")
        return value

    def text(self, name: str) -> str:
        return _text(self.get(name), f"{self._where}.{name}")

    def maybe_text(self, name: str) -> str:
        return "" if self.get(name) is None else self.text(name)

    def flags(self) -> tuple[str, ...]:
        where = f"{self._where}.flags"
        return tuple(_text(flag, where) for flag in self.items("flags", _MOST_FLAGS))

    def number(self, name: str, low: float, high: float) -> float:
        return _number(self.get(name), low, high, f"{self._where}.{name}")

    def maybe(self, name: str, low: float, high: float) -> float | None:
        return None if self.get(name) is None else self.number(name, low, high)

    def whole(self, name: str, high: float) -> int | None:
        value = self.maybe(name, 0, high)
        return None if value is None else int(value)


def longest_answer(*, runs: int, rounds: int) -> int:
    """Bytes that an answer to so many runs may have.

    Example:
        >>> longest_answer(runs=1, rounds=10), longest_answer(runs=100, rounds=100)
        (1281920, 8388608)
    """
    asked = runs * (_RUN_BYTES + rounds * PHONE_LATENCIES * _LATENCY_BYTES)
    return min(PHONE_ANSWER, _PHONE_BYTES + asked)


def read_answer(
    content: bytes, *, job: str, runs: Sequence[Run], device: str, rounds: int
) -> tuple[list[Measurement], dict[int, Rounds], dict[str, str], tuple[str, ...]]:
    """Turns a result file of the app into measurements.

    Args:
        content: the file.
        job: the job's id.
        runs: what was asked for.
        device: the name for the phone.
        rounds: how many were asked for.

    Returns:
        A measurement for every run; by its place the latencies of those that ran; what the phone
        is; flags for all of it.

    Raises:
        UserError: it is no such file, of another job or version, or says that the job failed.
    """
    try:
        limit = longest_answer(runs=len(runs), rounds=rounds)
        if len(content) > limit:
            raise _FaultError(f"it has {len(content)} bytes, more than the {limit} it may have")
        whole = _Object(_parsed(content), "the result")
        if whole.get("schema") != SCHEMA:
            raise _FaultError(f"it is of version {_short(whole.get('schema'))}, not {SCHEMA!r}")
        if whole.get("id") != job:
            raise _FaultError(f"it is of job {_short(whole.get('id'))}, not {job!r}")
        if whole.get("error") is not None:
            error = whole.inner("error")
            raise UserError(
                f"phone {device!r}: the job failed ({error.text('code')}): "
                f"{error.text('message').rstrip('.')}."
            )
        given = whole.items("measurements", len(runs))
        if len(given) != len(runs):
            raise _FaultError(f"it has {len(given)} measurements, not {len(runs)}")
        made, latencies = [], {}
        for place, (value, run) in enumerate(zip(given, runs, strict=True)):
            entry = _Object(value, f"measurement {place}")
            if entry.get("run") != place:
                raise _FaultError(f"measurement {place} is of run {_short(entry.get('run'))}")
            found = _rounds(entry, rounds) if entry.get("error") is None else None
            if found is not None:
                latencies[place] = found
            made.append(_measurement(entry, run, device, found))
        return made, latencies, _device(whole), (*whole.flags(),)
    except _FaultError as fault:
        raise UserError(
            f"phone {device!r}: its result cannot be read: {fault}; install the app that belongs "
            "to this version of tflq."
        ) from fault


def _parsed(content: bytes) -> Any:
    def refuse(constant: str) -> float:
        raise _FaultError(f"it holds {constant}, which is no number")

    try:
        return json.loads(content, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise _FaultError(f"it is no JSON ({_told(str(error))})") from error


def _measurement(entry: _Object, run: Run, device: str, rounds: Rounds | None) -> Measurement:
    named = run.facts(device)
    if rounds is None:
        error = entry.inner("error")
        return Measurement(**named, error=f"{error.text('code')}: {error.text('message')}")
    latency = summarize(rounds)
    thermal = entry.items("thermal_status", _MOST_ROUNDS)
    hot = any(_number(v, 0, 10, "thermal_status") >= 2 for v in thermal if v is not None)
    flags = [name for name, is_so in (("slowed", latency.slowed), ("hot", hot)) if is_so]
    delegate = entry.get("delegate")
    if delegate is not None and run.backend in ("nnapi", "gpu"):
        flags.append(f"ran on {_text(delegate, 'delegate')}")
    return Measurement(
        **named,
        initialisation_ms=entry.number("initialisation_ms", 0, _LONGEST),
        first_ms=entry.number("first_ms", 0, _LONGEST),
        latency=latency,
        peak_memory=entry.whole("peak_memory_bytes", _LARGEST),
        ops=entry.whole("ops", 1e6),
        delegated=entry.whole("delegated_ops", 1e6),
        identical=entry.maybe("identical", 0, 1),
        energy=None if entry.get("energy") is None else _energy(entry.inner("energy")),
        flags=tuple(flags),
    )


def _rounds(entry: _Object, count: int) -> Rounds:
    given = entry.items("latencies_ms", _MOST_ROUNDS)
    if len(given) != count:
        raise _FaultError(f"latencies_ms has {len(given)} rounds, not {count}")
    rounds = []
    for values in given:
        if not isinstance(values, list) or not 0 < len(values) <= PHONE_LATENCIES:
            raise _FaultError(
                f"a round of latencies_ms is no list of 1 to {PHONE_LATENCIES} numbers"
            )
        # A clock that stands still would divide by zero later.
        rounds.append([max(_number(v, 0, _LONGEST, "latencies_ms"), 1e-6) for v in values])
    return rounds


def _energy(entry: _Object) -> Energy:
    return Energy(
        mj_per_inference=entry.number("mj_per_inference", -_MOST, _MOST),
        low=entry.number("low", -_MOST, _MOST),
        high=entry.number("high", -_MOST, _MOST),
        active_mw=entry.number("active_mw", -_MOST, _MOST),
        idle_mw=entry.number("idle_mw", -_MOST, _MOST),
        percent_per_hour=entry.maybe("percent_per_hour", -_MOST, _MOST),
        flags=entry.flags(),
    )


def _device(whole: _Object) -> dict[str, str]:
    device, state, app = (whole.inner(name) for name in ("device", "state", "app"))
    memory = device.number("memory_bytes", 0, _LARGEST)
    clocks = [
        _number(v, 0, 1e9, "max_frequencies_khz") / 1e6
        for v in device.items("max_frequencies_khz", 1024)
    ]
    battery = state.maybe("battery_percent", 0, 100)
    return {
        "phone": f"{device.text('manufacturer')} {device.text('model')}",
        "system": f"Android {device.text('android')} (API {device.number('sdk', 1, 1e4):.0f})",
        "processor": f"{device.maybe_text('soc')} ({device.text('hardware')})".strip(),
        "cores": f"{device.number('cores', 1, 1024):.0f}{_up_to(clocks)}",
        "memory": f"{memory / 1e9:.1f} GB",
        "build": device.text("fingerprint"),
        "battery": "" if battery is None else f"{battery:.0f} %, {state.maybe_text('plugged')}",
        "app": f"{app.text('version')}, {app.maybe_text('runtime') or 'no runtime'}",
    }


def _up_to(clocks: Sequence[float]) -> str:
    """The clocks of cores, fastest first; phones need not tell them."""
    if not clocks:
        return ""
    return f", up to {', '.join(f'{c:.2f}' for c in sorted(set(clocks), reverse=True))} GHz"


def _number(value: Any, low: float, high: float, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _FaultError(f"{where} is {_short(value)} in place of a number")
    # NaN lies within nothing.
    if not low <= value <= high:
        raise _FaultError(f"{where} is {_short(value)}, outside {low:g} to {high:g}")
    return float(value)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _FaultError(f"{where} is {_short(value)} in place of a text")
    return _told(value)


def _told(text: str) -> str:
    return printable(text, PHONE_TEXT_CHARACTERS)


def _short(value: Any) -> str:
    return printable(_REPR.repr(value), 60)
