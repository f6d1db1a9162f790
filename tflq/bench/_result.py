"""What a benchmark found, as tables, JSON and CSV."""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tflq._files import write_whole
from tflq._printable import printable
from tflq._tables import megabytes, text_facts, text_table, to_json
from tflq.bench._picture import Bar, draw_measurements
from tflq.bench._statistics import Latency, SpeedUp


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Energy of one inference, as a phone's battery tells it.

    Attributes:
        mj_per_inference: above idle, in mJ, with its 95 % confidence interval `low` to `high`.
        low, high: the interval.
        active_mw, idle_mw: mean power while running and before and after, in mW.
        percent_per_hour: battery used at the job's frame rate, above idle; None where the
            battery's capacity is not known.
        flags: what to know before believing it; see android_demo/PROTOCOL.md.
    """

    mj_per_inference: float
    low: float
    high: float
    active_mw: float
    idle_mw: float
    percent_per_hour: float | None
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One model on one device, one backend and one number of threads.

    Attributes:
        device: name of the device; see `BenchmarkResult.devices`.
        model: the file.
        backend: such as "xnnpack".
        threads: of the CPU.
        size: bytes of the file.
        error: why it was not measured, else None; what follows is None then.
        initialisation_ms: from the file in memory to the first inference, in ms.
        first_ms: the first inference, in ms.
        latency: the inferences after warm-up.
        peak_memory: bytes that the model added to the process.
        ops, delegated: ops of the file, and those of them that the backend's delegate takes.
        identical: share of the integer output codes that are those of XNNPACK here.
        energy: of a phone, where it was asked for.
        flags: such as "thermal_throttling".
    """

    device: str
    model: str
    backend: str
    threads: int
    size: int
    error: str | None = None
    initialisation_ms: float | None = None
    first_ms: float | None = None
    latency: Latency | None = None
    peak_memory: int | None = None
    ops: int | None = None
    delegated: int | None = None
    identical: float | None = None
    energy: Energy | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A model against the one of `compare`, on one device, backend and number of threads."""

    device: str
    model: str
    baseline: str
    backend: str
    threads: int
    speed_up: SpeedUp


@dataclass(frozen=True, kw_only=True)
class OpTime:
    """Time of one kind of op in one model, on this machine.

    Attributes:
        model: the file.
        kind: such as CONV_2D.
        count: how many ops of it.
        ms: time of all of them, each run alone, in ms.
        share: of the sum over all ops.
    """

    model: str
    kind: str
    count: int
    ms: float
    share: float


@dataclass(frozen=True, kw_only=True)
class BenchmarkResult:
    """What `tflq.benchmark` measured.

    Attributes:
        devices: what each device is, by name.
        measurements: model by model, on every device.
        comparisons: against the model of `compare`.
        profile: time by kind of op, where it was asked for.
        settings: rounds, seconds and what else the figures depend on.
        flags: by device, what holds for all that was measured there.
    """

    devices: dict[str, dict[str, str]]
    measurements: tuple[Measurement, ...]
    comparisons: tuple[Comparison, ...] = ()
    profile: tuple[OpTime, ...] = ()
    settings: dict[str, float | int | str] = field(default_factory=dict)
    flags: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        """Tables for the terminal."""
        parts = []
        for name, facts in self.devices.items():
            told = list(facts.items())
            if self.flags.get(name):
                told.append(("flags", ", ".join(self.flags[name])))
            parts.append(text_facts(f"Device {name}", told))
            parts += _tables([m for m in self.measurements if m.device == name])
        if self.comparisons:
            parts.append(_comparison_table(self.comparisons))
        if self.profile:
            parts.append(_profile_table(self.profile))
        return "\n\n".join(parts)

    def to_json(self) -> str:
        """All of it as JSON."""
        return to_json(self)

    def to_csv(self) -> str:
        """One line a measurement, numbers with a decimal point, times in ms."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_CSV)
        for m in self.measurements:
            energy = None if m.energy is None else m.energy.mj_per_inference
            latency = m.latency
            timings = (
                (None,) * 8
                if latency is None
                else (
                    *(latency.count, latency.mean, latency.sd, latency.p50),
                    *(latency.p90, latency.p99, latency.low, latency.high),
                )
            )
            row = (
                *(_plain(m.device), _plain(m.model), m.backend, m.threads, m.size),
                *(m.initialisation_ms, m.first_ms, *timings, m.peak_memory),
                *(m.ops, m.delegated, m.identical, energy, _plain(m.error or "")),
            )
            writer.writerow(["" if value is None else value for value in row])
        return stream.getvalue()

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draws latencies with their intervals, and energy where there is any, as a PNG.

        Raises:
            UserError: matplotlib is missing, nothing was measured, or the file cannot be written.
        """
        measured = [m for m in self.measurements if m.latency is not None]
        ratios = {(c.device, c.model, c.backend, c.threads): c.speed_up for c in self.comparisons}
        notes = [ratios.get((m.device, m.model, m.backend, m.threads)) for m in measured]
        write_whole(path, draw_measurements([_bar(m) for m in measured], notes))


_RUN = ("model", "backend", "threads")
_CSV = (
    *("device", "model", "backend", "threads", "size", "initialisation_ms", "first_ms"),
    *("count", "mean_ms", "sd_ms", "p50_ms", "p90_ms", "p99_ms", "low_ms", "high_ms"),
    *("peak_memory", "ops", "delegated", "identical", "mj_per_inference", "error"),
)


def _plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula, on one line."""
    line = printable(text).strip()
    return f"'{line}" if line[:1] in ("=", "+", "-", "@") else line


def _bar(m: Measurement) -> Bar:
    assert m.latency is not None, "only what was measured is drawn"
    energy = None if m.energy is None else (m.energy.mj_per_inference, m.energy.low, m.energy.high)
    count = f"{m.threads} {'thread' if m.threads == 1 else 'threads'}"
    return f"{_run(m)[0]}, {m.backend}, {count}, {m.device}", m.latency, energy


def _tables(measurements: Sequence[Measurement]) -> list[str]:
    """Everything that was measured on one device."""
    tables = []
    done = [m for m in measurements if m.latency is not None]
    columns: tuple[str, ...]
    if done:
        columns = (*_RUN, "median, ms", "95 %", "p90", "p99", "mean ± sd")
        tables.append(text_table("Latency, ms", columns, map(_latency_row, done)))
        columns = (*_RUN, "init, ms", "first, ms", "memory", "delegated", "identical", "flags")
        tables.append(text_table("Start, memory, integers", columns, map(_start_row, done)))
    energy = [m for m in done if m.energy is not None]
    if energy:
        columns = (*_RUN, "mJ", "95 %", "mW", "idle mW", "%/hour", "flags")
        tables.append(text_table("Energy of one inference", columns, map(_energy_row, energy)))
    failed = [(*_run(m), m.error) for m in measurements if m.error is not None]
    if failed:
        tables.append(text_table("Not measured", (*_RUN, "reason"), failed))
    return tables


def _run(m: Measurement) -> tuple[str, str, str]:
    return Path(m.model).name, m.backend, str(m.threads)


def _latency_row(m: Measurement) -> tuple[str, ...]:
    latency = m.latency
    assert latency is not None, "only what was measured has a row"
    return (
        *_run(m),
        f"{latency.p50:.3f}",
        f"{latency.low:.3f} to {latency.high:.3f}",
        f"{latency.p90:.3f}",
        f"{latency.p99:.3f}",
        f"{latency.mean:.3f} ± {latency.sd:.3f}",
    )


def _start_row(m: Measurement) -> tuple[str, ...]:
    return (
        *_run(m),
        "" if m.initialisation_ms is None else f"{m.initialisation_ms:.2f}",
        "" if m.first_ms is None else f"{m.first_ms:.2f}",
        "" if m.peak_memory is None else megabytes(m.peak_memory),
        "" if m.delegated is None else f"{m.delegated} of {m.ops}",
        "" if m.identical is None else f"{m.identical:.2%}",
        ", ".join(m.flags),
    )


def _energy_row(m: Measurement) -> tuple[str, ...]:
    energy = m.energy
    assert energy is not None, "only what has an energy has a row"
    hourly = energy.percent_per_hour
    return (
        *_run(m),
        f"{energy.mj_per_inference:.2f}",
        f"{energy.low:.2f} to {energy.high:.2f}",
        f"{energy.active_mw:.0f}",
        f"{energy.idle_mw:.0f}",
        "" if hourly is None else f"{hourly:.2f}",
        ", ".join(energy.flags),
    )


def _comparison_table(comparisons: Sequence[Comparison]) -> str:
    columns = ("model", "against", "device", "backend", "threads", "speed-up (95 %)", "verdict")
    rows = [
        (
            Path(c.model).name,
            Path(c.baseline).name,
            c.device,
            c.backend,
            str(c.threads),
            f"{c.speed_up.ratio:.2f}x ({c.speed_up.low:.2f} to {c.speed_up.high:.2f})",
            c.speed_up.verdict,
        )
        for c in comparisons
    ]
    return text_table("Comparison", columns, rows)


def _profile_table(profile: Sequence[OpTime]) -> str:
    rows = [
        (Path(p.model).name, p.kind, str(p.count), f"{p.ms:.3f}", f"{p.share:.1%}") for p in profile
    ]
    columns = ("model", "op", "count", "ms", "share")
    return text_table("Ops, each run alone on one thread", columns, rows)
