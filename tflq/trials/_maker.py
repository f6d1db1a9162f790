"""Makes trials: exports on the workers, judges in shards, keeps everything."""

import itertools
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from tflq._benchmark import benchmark
from tflq._calibrate import Statistics
from tflq._choices import Choices
from tflq._errors import ConversionError, UserError
from tflq._metric import Evaluation, Score
from tflq._progress import status
from tflq.bench import LOCAL
from tflq.ranges import Histogram
from tflq.tflite_side import Graph, structure_digest
from tflq.trials._book import Book
from tflq.trials._choice_text import in_words
from tflq.trials._job import Job, collect_shard, evaluate_shard, export_one
from tflq.trials._trial import Trial
from tflq.trials._workers import Workers

# Of a latency: that files differ by a tenth shows in less than a benchmark usually takes.
_ROUNDS, _SECONDS = 6, 0.25


class Maker:
    """Makes the trials of one search.

    Args:
        job: what is searched.
        workers: where.
        book: keeps the trials.
        device: whose latency counts; see `tflq.benchmark`.
        shards: into how many parts samples are split; by default one a worker. The result does
            not depend on it.
    """

    def __init__(
        self, job: Job, workers: Workers, book: Book, *, device: str, shards: int | None = None
    ):
        self._job, self._workers, self._book, self._device = job, workers, book, device
        self._shards = shards or workers.count
        self._shared = workers.share(job)
        self._statistics: Any = None
        self.trials: list[Trial] = []

    def make(self, stage: str, recipes: Sequence[Choices]) -> list[Trial]:
        """Trials of some recipes, those that were made before included, in their order."""
        made = {place: self._book.find(recipe) for place, recipe in enumerate(recipes)}
        missing = [place for place, trial in made.items() if trial is None]
        first = len(self.trials)
        if missing:
            tasks = [(recipes[place], self._book.name_of(recipes[place])) for place in missing]
            shared = (self._shared, self._known_statistics())
            with status(f"{stage}: {len(missing)} to try") as say:
                for number, result, error in self._workers.run(export_one, shared, tasks):
                    place = missing[number]
                    say(f"{stage}: {in_words(recipes[place])}")
                    trial = Trial(number=first + place, stage=stage, choices=recipes[place])
                    made[place] = self._judged(trial, result, error)
        trials = [
            replace(trial, number=first + place)
            for place, trial in sorted(made.items())
            if trial is not None
        ]
        self.trials += self._timed(trials)
        return self.trials[first:]

    def reference(self) -> Score:
        """The float model, judged by itself."""
        return self._evaluated(None)

    def _judged(
        self, trial: Trial, result: tuple[bytes, float] | None, error: Exception | None
    ) -> Trial:
        """The trial with what it gave, kept."""
        content = b""
        if result is not None:
            content, seconds = result
            try:
                score = self._evaluated(content)
            except Exception as failed:
                error = failed
            else:
                trial = replace(
                    trial,
                    value=score.value,
                    sqnr_db=score.sqnr_db,
                    size=len(content),
                    structure=_structure(content),
                    file=f"{self._book.name_of(trial.choices)}.tflite",
                    seconds=seconds,
                )
        if error is not None:
            trial = replace(trial, error=_said(error))
        self._book.keep(trial, content)
        shutil.rmtree(
            Path(self._job.checkpoints, self._book.name_of(trial.choices)), ignore_errors=True
        )
        return trial

    def _evaluated(self, content: bytes | None) -> Score:
        shards = _split(len(self._job.judged), self._shards)
        parts = self._sharded(evaluate_shard, [(content, shard) for shard in shards])
        return reduce(Evaluation.merge, parts).score()

    def _known_statistics(self) -> Any:
        if self._statistics is None:
            shards = _split(len(self._job.calibration), self._shards)
            parts = self._sharded(collect_shard, [(shard,) for shard in shards])
            merged = reduce(_merged, (histograms for _, histograms in parts))
            found = Statistics(digest=parts[0][0], histograms=merged)
            self._statistics = self._workers.share(found)
        return self._statistics

    def _sharded(self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What a task gives for each shard, in their order."""
        parts: dict[int, Any] = {}
        for number, part, error in self._workers.run(function, (self._shared,), tasks):
            if error is not None:
                raise error
            parts[number] = part
        return [parts[number] for number in range(len(tasks))]

    def _timed(self, trials: list[Trial]) -> list[Trial]:
        """The trials with latencies; of equal structures one is measured."""
        plain = (self.trials or trials)[0]
        if plain.error:
            return trials
        new: dict[str, Trial] = {}
        for trial in trials:
            known = trial.structure == plain.structure
            if not (trial.error or known or self._book.find_latency(trial.structure) is not None):
                new.setdefault(trial.structure, trial)
        if new:
            paths = [self._book.path_of(trial) for trial in new.values()]
            found = relative_latencies(self._book.path_of(plain), paths, self._device)
            for structure, latency in zip(new, found, strict=True):
                self._book.keep_latency(structure, latency)
        return [
            trial
            if trial.error
            else replace(
                trial,
                latency=1.0
                if trial.structure == plain.structure
                else self._book.find_latency(trial.structure),
            )
            for trial in trials
        ]


def relative_latencies(plain: Path, others: Sequence[Path], device: str) -> list[float]:
    """Latencies as multiples of that of another file, in rounds that are interleaved.

    Where the difference is within the uncertainty of the measurement, it is 1.
    """
    measured = benchmark(
        [str(path) for path in others],
        compare=str(plain),
        device=device,
        rounds=_ROUNDS,
        seconds=_SECONDS if device == LOCAL else None,
    )
    found = {row.model: row.speed_up for row in measured.comparisons}
    speed_ups = [found[str(path)] for path in others]
    return [1.0 if s.low <= 1 <= s.high else 1 / s.ratio for s in speed_ups]


def _merged(
    first: Mapping[int, Histogram], second: Mapping[int, Histogram]
) -> dict[int, Histogram]:
    return {index: first[index].merge(other) for index, other in second.items()}


def _split(count: int, shards: int) -> list[slice]:
    """Consecutive parts of equal size, or nearly so; none is empty."""
    shards = max(1, min(shards, count))
    ends = [count * place // shards for place in range(shards + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(ends)]


def _structure(content: bytes) -> str:
    return structure_digest(Graph.from_bytes(content))


def _said(error: Exception) -> str:
    """Why a trial failed: errors of ours are sentences, of others the kind says more."""
    ours = isinstance(error, (UserError, ConversionError))
    return str(error) if ours else f"{type(error).__name__}: {error}"
