"""What every worker needs to know of a search, and what it makes of it."""

import importlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tflq._calibrate import Statistics
from tflq._choices import Choices
from tflq._clock import Clock
from tflq._metric import Evaluation, Function, Metric, make_metric
from tflq._opened import Opened, open_for
from tflq._run_folder import RunFolder, room
from tflq._verify import Sample
from tflq.keras_side import keras_kind
from tflq.ranges import Histogram
from tflq.tflite_side import Runner, collect, graph_digest, normalize

# What the pipeline judges its own steps with: it only reports them, which nobody reads here.
_GLANCED = 2


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A model on its way to another machine: files by their path below a folder.

    Attributes:
        name: of the file or folder to open, below that folder.
        files: contents.
        kind: of a model that was an object of the user's program, "keras" or "tf_keras"; None for
            files.
    """

    name: str
    files: Mapping[str, bytes]
    kind: str | None

    @classmethod
    def of(cls, model: Any) -> "Shipped":
        """Packs a file, a folder or a Keras model."""
        if (kind := keras_kind(model)) is not None:
            with RunFolder() as folder:
                path = Path(folder, "model.keras")
                with room():
                    model.save(path)
                return cls(name=path.name, files={path.name: path.read_bytes()}, kind=kind)
        path = Path(model)
        found = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
        files = {str(p.relative_to(path.parent)): p.read_bytes() for p in found}
        return cls(name=path.name, files=files, kind=None)

    def unpack(self, folder: Path) -> Any:
        """Writes the files; gives the model, where it was an object, or the path to open."""
        for name, content in self.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with room():
                target.write_bytes(content)
        path = folder / self.name
        if self.kind is None:
            return path
        # Each library by itself: the other would load it under other names. Code that it may
        # carry ran in the user's program.
        models = importlib.import_module(f"{self.kind}.models")
        return models.load_model(path, compile=False, safe_mode=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One search, as workers see it; it can be pickled where `model` is `Shipped`.

    Attributes:
        identity: tells jobs apart.
        model: open, or `Shipped`.
        calibration: samples that ranges and rounding are learned from.
        judged: samples to judge with.
        labels: their right answers, batch by batch, or None.
        metric: a name or a function.
        batch_size: the batch where the model leaves it open.
        safe_mode: refuse Keras files and SavedModels that do more than compute.
        signature: of the model, where it has several.
        checkpoints: folder of learned rounding; used where it exists.
    """

    identity: str
    model: Opened | Shipped
    calibration: Sequence[Sample] = field(repr=False)
    judged: Sequence[Sample] = field(repr=False)
    labels: np.ndarray | None = field(repr=False)
    metric: str | Function
    batch_size: int | None
    safe_mode: bool
    checkpoints: str
    signature: str | None = None


class Workplace:
    """A job where it is done: the model open, the float model's outputs kept.

    Args:
        job: what is to be done.
    """

    def __init__(self, job: Job):
        self._job = job
        self._references: dict[int, list[np.ndarray]] = {}
        self._folder = RunFolder()

    @cached_property
    def opened(self) -> Opened:
        """The model."""
        job = self._job
        if isinstance(job.model, Opened):
            return job.model
        model = job.model.unpack(Path(self._folder.name))
        return open_for(
            {"signature": job.signature},
            model,
            job.calibration,
            batch_size=job.batch_size,
            safe_mode=job.safe_mode,
        )

    def statistics(self, shard: slice) -> tuple[str, dict[int, Histogram]]:
        """Statistics of the plain model over some calibration samples, and its graph's digest."""
        source = self.opened.source
        # Most recipes decide biases, for which the graph gets those that are missing.
        plain = normalize(source.tflite, name=source.source, biases=True)
        samples = self._calibration[shard]
        found = collect(plain.content, plain.graph, samples, inputs=source.inputs)
        return graph_digest(plain.graph), found

    def export(self, choices: Choices, key: str, statistics: Statistics | None) -> bytes:
        """The file of a recipe."""
        folder = Path(self._job.checkpoints)
        checkpoint = (folder if folder.is_dir() else Path(self._folder.name)) / key
        outcome = self.opened.run(
            self.opened.recipe(choices),
            self._calibration,
            verify_data=self._judged[:_GLANCED],
            checkpoint=checkpoint,
            clock=Clock(),
            statistics=statistics,
        )
        outcome.checkpoint.clear()
        return outcome.quantized.content

    def evaluate(self, content: bytes | None, shard: slice) -> Evaluation:
        """How a file, or the float model, does on some of the samples to judge with."""
        source = self.opened.source
        evaluation = Evaluation(self._metric, source.outputs)
        runner = Runner(content or source.tflite, inputs=source.inputs)
        labels = self._job.labels
        for index in range(len(self._judged))[shard]:
            came = runner.run(self._judged[index])
            answers = None if labels is None else labels[index]
            evaluation.update(index, self._reference(index), came, answers)
        return evaluation

    @cached_property
    def _calibration(self) -> list[Sample]:
        return self._renamed(self._job.calibration)

    @cached_property
    def _judged(self) -> list[Sample]:
        return self._renamed(self._job.judged)

    def _renamed(self, samples: Sequence[Sample]) -> list[Sample]:
        """Inputs that had no name may have got another on the way; their order stays."""
        names = [spec.name for spec in self.opened.source.inputs]
        return [dict(zip(names, sample.values(), strict=True)) for sample in samples]

    @cached_property
    def _metric(self) -> Metric:
        return make_metric(self._job.metric, self._job.labels)

    @cached_property
    def _floating(self) -> Runner:
        return Runner(self.opened.source.tflite, inputs=self.opened.source.inputs)

    def _reference(self, index: int) -> list[np.ndarray]:
        if index not in self._references:
            self._references[index] = self._floating.run(self._judged[index])
        return self._references[index]


# One job at a time; a worker lives as long as a search, a program may do several.
_places: dict[str, Workplace] = {}


def workplace(job: Job) -> Workplace:
    """The place of a job in this process."""
    if job.identity not in _places:
        _places.clear()
        _places[job.identity] = Workplace(job)
    return _places[job.identity]


def collect_shard(job: Job, shard: slice) -> tuple[str, dict[int, Histogram]]:
    """A task: see `Workplace.statistics`."""
    return workplace(job).statistics(shard)


def export_one(
    job: Job, statistics: Statistics | None, choices: Choices, key: str
) -> tuple[bytes, float]:
    """A task: see `Workplace.export`; also how long it took, in s."""
    start = time.perf_counter()
    content = workplace(job).export(choices, key, statistics)
    return content, time.perf_counter() - start


def evaluate_shard(job: Job, content: bytes | None, shard: slice) -> Evaluation:
    """A task: see `Workplace.evaluate`."""
    return workplace(job).evaluate(content, shard)
