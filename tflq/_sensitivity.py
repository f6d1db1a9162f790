"""Ranks the layers of a model by what quantizing each of them costs."""

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflq._calibrate import batched
from tflq._candidate import Candidate, mean_sqnr
from tflq._choices import Choices
from tflq._clock import Clock
from tflq._errors import UserError
from tflq._fidelity import noise_share
from tflq._figure import BLUE, ORANGE, new_figure, to_png, verbatim
from tflq._files import make_folder, write_whole
from tflq._labels import answers_to, batch_by_batch
from tflq._layer_effects import ENOUGH, LayerEffect, LayerEffects
from tflq._lock import locked
from tflq._metric import Function, Metric, make_metric
from tflq._opened import open_for
from tflq._printable import told
from tflq._recipe import Recipe
from tflq._rows import append_row, read_rows, restored
from tflq._run_folder import RunFolder
from tflq._tables import decibels, text_table, to_json
from tflq._verify import Sample, add_samples
from tflq.tflite_side import graph_digest

if TYPE_CHECKING:
    from typing_extensions import Unpack

_ROWS = "sensitivity.jsonl"
_DRAWN = 30


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What quantizing each layer alone does to a model.

    Attributes:
        source: the model.
        recipe: how it is quantized.
        metric: by what it was judged.
        unit: of the metric.
        samples: how many it was judged with.
        sqnr_db: of the outputs where all layers are quantized, in dB.
        layers: those first that are best returned to float.
        seconds: time by step, in s.
    """

    source: str
    recipe: Recipe
    metric: str
    unit: str
    samples: int
    sqnr_db: float
    layers: tuple[LayerEffect, ...]
    seconds: dict[str, float]

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the layers, as `scheme_for` takes them, without the inputs."""
        return tuple(effect.layer for effect in self.layers if effect.op >= 0)

    def __str__(self) -> str:
        """A table for the terminal."""
        title = (
            f"{self.source}, {self.recipe.scheme.name}: {self.metric} with one layer quantized "
            f"({self.samples} samples; all quantized: {decibels(self.sqnr_db)})"
        )
        own = () if self.metric == "sqnr" else (self.metric,)
        columns = ("layer", "op", "SQNR alone", "its weights alone", *own)
        table = text_table(title, columns, [self._row(effect) for effect in self.layers])
        failed = [told(f"{e.layer}: {e.error}") for e in self.layers if e.error]
        return "\n".join([table, *failed])

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draws what each of the first 30 layers adds to the outputs.

        Args:
            path: the PNG to write, 1200 pixels wide.

        Raises:
            UserError: matplotlib is not installed, or the file cannot be written.
        """
        shown = self.layers[:_DRAWN]
        figure = new_figure(12, 1.5 + 0.25 * len(shown))
        axis = figure.subplots()
        rows = range(len(shown))
        whole = [100 * noise_share(effect.sqnr_db) for effect in shown]
        weights = [100 * noise_share(effect.weights_sqnr_db) for effect in shown]
        axis.barh(rows, whole, color=BLUE, label="weights and output quantized")
        axis.barh(rows, weights, color=ORANGE, height=0.4, label="weights quantized")
        axis.set_yticks(rows, [verbatim(effect.layer) for effect in shown])
        axis.invert_yaxis()
        axis.set_xlabel("noise in the outputs, % of their energy")
        axis.set_title(f"{verbatim(self.source)}, {self.recipe.scheme.name}: one layer quantized")
        axis.legend()
        write_whole(path, to_png(figure))

    def to_json(self) -> str:
        """The ranking as JSON."""
        return to_json(self)

    def _row(self, effect: LayerEffect) -> tuple[str, ...]:
        weights = effect.weights_sqnr_db
        row = (
            effect.layer,
            effect.kind,
            decibels(effect.sqnr_db),
            "-" if weights is None else decibels(weights),
        )
        if self.metric == "sqnr":
            return row
        return (*row, "failed" if effect.value is None else f"{effect.value:.4g} {self.unit}")


def sensitivity(
    model: Any,
    data: Any,
    *,
    verify_data: Any = None,
    labels: Any = None,
    metric: str | Function = "sqnr",
    folder: str | os.PathLike[str] | None = None,
    batch_size: int | None = 1,
    safe_mode: bool = True,
    **choices: "Unpack[Choices]",
) -> Sensitivity:
    """Measures the outputs of the float model with one layer quantized, for each layer.

    What is before a layer is computed once for all layers, and what is behind it anew: that costs
    half an inference a layer and sample, plus that of its weights alone, where writing and judging
    a file for every layer would cost an export each. Noises of single layers add up only roughly.

    Args:
        model: anything that `tflq.export` takes.
        data: the representative dataset, likewise.
        verify_data: samples to judge with; by default the first 32 of `data`.
        labels: the right answers to `verify_data`, one a sample: an array, a list, or the path of
            a `.npy` or a text file.
        metric: "sqnr" (dB), "agreement" or "top1" (points), or a function of the outputs of all
            samples, those of the float model, and the labels, that returns a number, more for
            better models; `module:function` names one.
        folder: keeps what was measured, so that it goes on where it was stopped.
        batch_size: the batch where the model leaves it open.
        safe_mode: refuse Keras files that carry code (Lambda layers) or name what is neither
            Keras's nor registered, and SavedModels with ops that touch files or Python.
        **choices: how the model is quantized: scheme, calibrator, recipe and so on, as
            `tflq.export` takes them.

    Returns:
        A `Sensitivity`, whose first layers are best returned to float.

    Raises:
        UserError: something given cannot be used, or another program works in the folder.

    Example:
        >>> import keras, numpy as np, tflq
        >>> layers = [keras.layers.Dense(8, name="first"), keras.layers.Dense(4, name="last")]
        >>> model = keras.Sequential([keras.Input((8,), name="x"), *layers])
        >>> data = np.random.default_rng(0).normal(size=(100, 8)).astype("float32")
        >>> found = tflq.sensitivity(model, data, scheme="w4a8")
        >>> [layer.kind for layer in found.layers]
        ['FULLY_CONNECTED', 'FULLY_CONNECTED', 'INPUT']
    """
    if data is None:
        raise UserError("data is missing; give samples to calibrate with.")
    if isinstance(data, Iterator):
        # It is read twice.
        data = list(data)
    answers = answers_to(verify_data, labels)
    chosen = make_metric(metric, answers)
    clock = Clock()
    opened = open_for(choices, model, data, batch_size=batch_size, safe_mode=safe_mode)
    recipe, source = opened.recipe(choices), opened.source
    clock.lap("convert")
    with _place(folder) as place:
        judged = batched(
            data if verify_data is None else verify_data, source.inputs, description="reading"
        )
        samples = list(judged if verify_data is not None else itertools.islice(judged, ENOUGH))
        outcome = opened.run(
            recipe, data, verify_data=samples, checkpoint=place / ".rounding", clock=clock
        )
        grouped = batch_by_batch(answers, samples)
        layers = LayerEffects(outcome.candidate, samples, chosen, grouped)
        key = _key(outcome.candidate, samples, chosen, answers)
        effects = list(_resumed(layers, place / _ROWS, key))
        outcome.checkpoint.clear()
    clock.lap("layers")
    return Sensitivity(
        source=source.source,
        recipe=recipe,
        metric=chosen.name,
        unit=chosen.unit,
        samples=len(samples),
        sqnr_db=float(mean_sqnr(outcome.outputs) or 0.0),
        layers=layers.ordered(
            effects,
            float_outputs=all(dtype == "float32" for dtype in opened.doors(recipe).outputs),
        ),
        seconds=clock.laps,
    )


@contextmanager
def _place(folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    if folder is None:
        with RunFolder() as temporary:
            yield Path(temporary)
        return
    with locked(folder, "sensitivity"):
        yield make_folder(folder)


def _resumed(layers: LayerEffects, file: Path, key: str) -> Iterator[LayerEffect]:
    """What was measured before, then the rest, each of which is kept at once."""
    rows = [row.get("effect") for row in read_rows(file) if row.get("of") == key]
    kept = [effect for row in rows if (effect := restored(LayerEffect, row)) is not None]
    yield from kept
    for effect in layers.measure({(effect.op, effect.tensor) for effect in kept}):
        append_row(file, {"of": key, "effect": asdict(effect)})
        yield effect


def _key(
    candidate: Candidate, samples: Iterable[Sample], metric: Metric, labels: np.ndarray | None
) -> str:
    """Tells measurements of other models, choices or samples apart."""
    digest = hashlib.sha256(graph_digest(candidate.plain.graph).encode())
    plan = candidate.rounding_plan
    digest.update(
        repr((metric.name, sorted(plan.doors.items()), sorted(plan.bits.items()))).encode()
    )
    for numbers in (plan.bounds, candidate.constants):
        for index, array in sorted(numbers.items()):
            digest.update(f"{index}".encode() + np.ascontiguousarray(array).tobytes())
    add_samples(digest, samples)
    if labels is not None:
        digest.update(labels.tobytes())
    return digest.hexdigest()
