"""What a search found."""

import os
from dataclasses import dataclass, field

from tflq._choices import Choices
from tflq._figure import BLUE, ORANGE, new_figure, to_png
from tflq._files import write_whole
from tflq._tables import decibels, megabytes, text_facts, text_table, to_json
from tflq.trials._choice_text import in_words
from tflq.trials._trial import Trial

_UNITS = {"max_latency": "x", "max_size": " bytes"}


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """Every recipe that was tried, and the one that fits best.

    Attributes:
        source: the model.
        metric: by what files were judged.
        unit: of the metric.
        reference: the float model's metric.
        budget: in words.
        met: whether `best` is within the budget.
        misses: by how much `best` misses each bound, in the metric's unit, in multiples of the
            plain latency, or in bytes; empty where it is met.
        best: the fastest trial within the budget, or the nearest.
        path: its file.
        command: what makes that again: a command line, or a call where the model or the data are
            objects of a program.
        front: numbers of the trials that no other beats in accuracy (SQNR, or a metric of one's
            own), time and size at once.
        trials: all of them, in the order in which they were made.
        note: why layers were not mixed, though the budget asks for it; else empty.
        combinations: how many recipes there would have been to try, without mixtures.
        samples: how many were judged with.
        seconds: time by step, in s.
    """

    source: str
    metric: str
    unit: str
    reference: float
    budget: str
    met: bool
    misses: dict[str, float]
    best: Trial
    path: str
    command: str
    front: tuple[int, ...]
    trials: tuple[Trial, ...] = field(repr=False)
    note: str
    combinations: int
    samples: int
    seconds: dict[str, float]

    @property
    def choices(self) -> Choices:
        """Arguments of `tflq.export` that make the best file again."""
        return self.best.choices

    def __str__(self) -> str:
        """Tables for the terminal."""
        front = [trial for trial in self.trials if trial.number in self.front]
        parts = [
            self._summary(),
            self._table("No other is more accurate, faster and smaller", front),
            self._table("All that was tried", self.trials),
        ]
        failed = [trial for trial in self.trials if trial.error]
        if failed:
            rows = [(f"{t.number}", in_words(t.choices), t.error) for t in failed]
            parts.append(text_table("Failed", ("trial", "recipe", "why"), rows))
        return "\n\n".join(parts)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draws accuracy against time, or size where all take the same time.

        Args:
            path: the PNG to write, 900 x 600 pixels.

        Raises:
            UserError: matplotlib is not installed, or the file cannot be written.
        """
        good = [trial for trial in self.trials if trial.value is not None]
        by_size = len({trial.latency for trial in good}) == 1
        figure = new_figure(9, 6)
        axis = figure.subplots()
        for trials, colour, label in (
            ([t for t in good if t.number not in self.front], "silver", "tried"),
            ([t for t in good if t.number in self.front], BLUE, "no other beats it"),
            ([self.best], ORANGE, "chosen" if self.met else "nearest"),
        ):
            places = [(t.size or 0) / 1e6 if by_size else t.latency for t in trials]
            axis.scatter(places, [t.value for t in trials], color=colour, label=label)
        if self.metric != "sqnr":
            axis.axhline(self.reference, color="grey", linewidth=0.8, linestyle=":")
        axis.set_xlabel("size, MB" if by_size else "time, in multiples of the plain recipe's")
        axis.set_ylabel(", ".join(filter(None, (self.metric, self.unit))))
        axis.set_title(f"{self.budget} (dotted: float)")
        axis.legend()
        write_whole(path, to_png(figure))

    def to_json(self) -> str:
        """The whole search as JSON."""
        return to_json(self)

    def missed(self) -> str:
        """By how much the nearest recipe misses the budget, in words; empty where it is met."""
        return ", ".join(
            f"{name} by {by:.4g}{_UNITS.get(name, f' {self.unit}')}".strip()
            for name, by in self.misses.items()
        )

    def _summary(self) -> str:
        best = self.best
        rows = [
            ("budget", self.budget),
            ("found" if self.met else "nearest", in_words(best.choices)),
            *(() if self.met else (("misses", self.missed()),)),
            (self.metric, f"{best.value:.4g} {self.unit} (float {self.reference:.4g})"),
            ("SQNR", decibels(best.sqnr_db or 0.0)),
            ("size", megabytes(best.size or 0)),
            ("time", _times(best)),
            ("tried", f"{len(self.trials)} recipes, judged with {self.samples} samples"),
            ("file", self.path),
            ("again", self.command),
            *((("note", self.note),) if self.note else ()),
        ]
        return text_facts(self.source, rows)

    def _table(self, title: str, trials: tuple[Trial, ...] | list[Trial]) -> str:
        columns = ("trial", "stage", "recipe", self.metric, "SQNR", "size", "time")
        return text_table(title, columns, [self._row(trial) for trial in trials])

    def _row(self, trial: Trial) -> tuple[str, ...]:
        name = f"{trial.number}{' *' if trial.number == self.best.number else ''}"
        words = in_words(trial.choices)
        if trial.value is None:
            return (name, trial.stage, words, "failed", "-", "-", "-")
        return (
            name,
            trial.stage,
            words,
            f"{trial.value:.2f}",
            decibels(trial.sqnr_db or 0.0),
            megabytes(trial.size or 0),
            _times(trial),
        )


def _times(trial: Trial) -> str:
    return "-" if trial.latency is None else f"{trial.latency:.2f}x"
