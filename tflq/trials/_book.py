"""A search's folder: every trial that was made, and its file."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tflq._choices import Choices
from tflq._files import read_own, write_own
from tflq._rows import append_row, read_rows, restored
from tflq.trials._choice_text import key_of
from tflq.trials._trial import Trial

_ROWS, _LATENCIES = "trials.jsonl", "latencies.jsonl"


@dataclass(frozen=True, kw_only=True)
class _Latency:
    """A row of latencies."""

    of: str
    device: str
    structure: str
    latency: float


class Book:
    """Keeps trials, so that none is made twice.

    A row that is damaged or of another version of tflq, and a file that is not what its row says,
    cost their trial: it is made again.

    Args:
        folder: where; others keep out, see `locked`.
        of: what is searched: trials of another model, other data or another metric are left alone.
        device: whose latency counts.
    """

    def __init__(self, folder: Path, of: str, device: str):
        self._folder, self._of, self._device = folder, of, device
        self._kept: dict[str, Trial] = {}
        self._digests: dict[str, str] = {}
        for row in read_rows(folder / _ROWS):
            self._take(row)
        self._latencies = {found.structure: found.latency for found in self._read_latencies()}

    def name_of(self, choices: Choices) -> str:
        """A name for the file of a recipe, and for what is kept while it is made."""
        return self._name(key_of(choices))

    def find(self, choices: Choices) -> Trial | None:
        """The trial of a recipe, where it was made already and its file is whole.

        One that failed is found by the search that made it only.
        """
        key = key_of(choices)
        trial = self._kept.get(key)
        if trial is None or (trial.file and not self._is_whole(trial, key)):
            return None
        # JSON knows no tuples.
        return replace(trial, choices=choices)

    def keep(self, trial: Trial, content: bytes) -> None:
        """Adds a trial; of one that failed there is no content."""
        if trial.file:
            write_own(self._folder / trial.file, content)
        digest, key = _digest(content), key_of(trial.choices)
        row = {"of": self._of, "trial": asdict(trial), "content": digest}
        append_row(self._folder / _ROWS, row)
        self._kept[key], self._digests[key] = trial, digest

    def find_latency(self, structure: str) -> float | None:
        """Of files of a structure, against the plain recipe's, where it was measured."""
        return self._latencies.get(structure)

    def keep_latency(self, structure: str, latency: float) -> None:
        """Adds what was measured."""
        row = _Latency(of=self._of, device=self._device, structure=structure, latency=latency)
        append_row(self._folder / _LATENCIES, asdict(row))
        self._latencies[structure] = latency

    def path_of(self, trial: Trial) -> Path:
        """Where a trial's file lies."""
        return self._folder / trial.file

    def _name(self, key: str) -> str:
        return hashlib.sha256(f"{self._of} {key}".encode()).hexdigest()[:12]

    def _take(self, row: dict[str, Any]) -> None:
        """Remembers a trial, if the row tells one of this search."""
        trial = restored(Trial, row.get("trial"))
        if row.get("of") != self._of or trial is None:
            return
        key = key_of(trial.choices)
        # What failed is tried again: its reason may be gone.
        if trial.file == f"{self._name(key)}.tflite" and trial.size is not None:
            self._kept[key], self._digests[key] = trial, str(row.get("content"))

    def _is_whole(self, trial: Trial, key: str) -> bool:
        assert trial.size is not None, "of a trial that was made"
        content = read_own(self.path_of(trial), trial.size)
        return content is not None and _digest(content) == self._digests[key]

    def _read_latencies(self) -> Iterator[_Latency]:
        for row in read_rows(self._folder / _LATENCIES):
            found = restored(_Latency, row)
            if found is None or (found.of, found.device) != (self._of, self._device):
                continue
            if 0 < found.latency < float("inf"):
                yield found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
