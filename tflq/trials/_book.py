"""A search's folder: every trial that was made, and its file."""

import hashlib
from dataclasses import asdict
from pathlib import Path

from tflq._choices import Choices
from tflq._files import write_whole
from tflq._rows import append_row, read_rows
from tflq.trials._choice_text import key_of
from tflq.trials._trial import Trial

_ROWS, _LATENCIES = "trials.jsonl", "latencies.jsonl"


class Book:
    """Keeps trials, so that none is made twice.

    Args:
        folder: where; others keep out, see `locked`.
        of: what is searched: trials of another model, other data or another metric are left alone.
        device: whose latency counts.
    """

    def __init__(self, folder: Path, of: str, device: str):
        self._folder, self._of, self._device = folder, of, device
        self._kept: dict[str, Trial] = {}
        for row in read_rows(folder / _ROWS):
            if row.get("of") != of:
                continue
            trial = Trial(**row["trial"])
            # What failed is tried again: its reason may be gone.
            if trial.file and (folder / trial.file).is_file():
                self._kept[key_of(trial.choices)] = trial
        self._latencies: dict[str, float] = {
            row["structure"]: row["latency"]
            for row in read_rows(folder / _LATENCIES)
            if (row.get("of"), row.get("device")) == (of, device)
        }

    def name_of(self, choices: Choices) -> str:
        """A name for the file of a recipe, and for what is kept while it is made."""
        return hashlib.sha256(f"{self._of} {key_of(choices)}".encode()).hexdigest()[:12]

    def find(self, choices: Choices) -> Trial | None:
        """The trial of a recipe, where it was made already."""
        return self._kept.get(key_of(choices))

    def keep(self, trial: Trial, content: bytes) -> None:
        """Adds a trial; of one that failed there is no content."""
        if trial.file:
            write_whole(self._folder / trial.file, content)
        append_row(self._folder / _ROWS, {"of": self._of, "trial": asdict(trial)})
        self._kept[key_of(trial.choices)] = trial

    def find_latency(self, structure: str) -> float | None:
        """Of files of a structure, against the plain recipe's, where it was measured."""
        return self._latencies.get(structure)

    def keep_latency(self, structure: str, latency: float) -> None:
        """Adds what was measured."""
        row = {"of": self._of, "device": self._device, "structure": structure}
        append_row(self._folder / _LATENCIES, {**row, "latency": latency})
        self._latencies[structure] = latency

    def path_of(self, trial: Trial) -> Path:
        """Where a trial's file lies."""
        return self._folder / trial.file
