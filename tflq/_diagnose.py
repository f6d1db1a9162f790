"""A report on a model: where quantization harms it, and what to try."""

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflq._calibrate import names_of
from tflq._candidate import Candidate
from tflq._choices import Choices
from tflq._clock import Clock
from tflq._errors import UserError
from tflq._export import checkpoint_of, export_report
from tflq._files import check_writable, write_whole
from tflq._layer_effects import ENOUGH
from tflq._opened import Opened, open_for
from tflq._pipeline import Outcome
from tflq._recipe import Recipe
from tflq._verify import Sample
from tflq.bench import time_ops
from tflq.diagnosis import (
    ModelReport,
    Setting,
    advise,
    check_extra,
    compare_answers,
    input_readers,
    layer_reports,
    map_ops,
    render,
    verdict,
    widened_ops,
)
from tflq.keras_side import keras_kind
from tflq.tflite_side import Graph, activations

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack


@dataclass(frozen=True, kw_only=True)
class _Files:
    """Where everything goes."""

    page: Path
    data: Path
    tflite: Path | None


def report(
    model: Any,
    path: str | os.PathLike[str],
    *,
    data: Any = None,
    verify_data: Any = None,
    tflite: str | os.PathLike[str] | None = None,
    latency: bool = True,
    batch_size: int | None = 1,
    safe_mode: bool = True,
    **choices: "Unpack[Choices]",
) -> ModelReport:
    """Quantizes a model as `tflq.export` does, and writes a page on what that costs and where.

    The page is one file that opens in any browser, without a network: layers by the harm they do,
    with advice for the worst, the answers that change, and who runs each op.

    Args:
        model: anything that `tflq.export` takes.
        path: the page to write or replace, such as "report.html"; the same as JSON goes into a file
            of the same name that ends in ".json".
        data: the representative dataset, as for `tflq.export`.
        verify_data: samples to judge with, likewise; each layer is measured on the first 32.
        tflite: where to write the quantized file as well; by default it is not kept.
        latency: time every op on this machine.
        batch_size: the batch where the model leaves it open.
        safe_mode: refuse Keras files that carry code (Lambda layers) or name what is neither
            Keras's nor registered, and SavedModels with ops that touch files or Python.
        **choices: how the model is quantized: scheme, calibrator, recipe and so on, as
            `tflq.export` takes them.

    Returns:
        A `ModelReport`; `print` shows the worst layers and what to try.

    Raises:
        UserError: something given cannot be used, or the extra `report` is not installed.
        ConversionError: a file does not compute what it was made from.

    Example:
        >>> import keras, numpy as np, tempfile, tflq
        >>> layers = [keras.layers.Dense(8, name="first"), keras.layers.Dense(4, name="last")]
        >>> model = keras.Sequential([keras.Input((8,), name="x"), *layers])
        >>> data = np.random.default_rng(0).normal(size=(100, 8)).astype("float32")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = tflq.report(model, f"{folder}/report.html", data=data, latency=False)
        >>> sorted(layer.kind for layer in found.layers)
        ['FULLY_CONNECTED', 'FULLY_CONNECTED', 'INPUT']
    """
    if data is None and verify_data is None:
        raise UserError("a report needs samples; give data= (--data).")
    files = _files(path, tflite)
    check_extra()
    clock = Clock()
    opened = open_for(choices, model, data, batch_size=batch_size, safe_mode=safe_mode)
    recipe = opened.recipe(choices)
    clock.lap("convert")
    outcome = opened.run(
        recipe,
        data,
        verify_data=verify_data,
        checkpoint=checkpoint_of(path),
        clock=clock,
        reread=True,
    )
    setting = _setting(opened, recipe, outcome.candidate, data, choices.get("recipe"))
    found = _measured(opened, setting, outcome, files, clock, latency=latency)
    if files.tflite is not None:
        write_whole(files.tflite, outcome.quantized.content)
    write_whole(files.data, found.to_json().encode())
    write_whole(files.page, render(found).encode())
    outcome.checkpoint.clear()
    return found


def _files(path: str | os.PathLike[str], tflite: str | os.PathLike[str] | None) -> _Files:
    check_writable(path)
    page = Path(path)
    if page.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"report {str(page)!r} is a page; give a name that ends in .html.")
    files = _Files(
        page=page,
        data=page.with_suffix(".json"),
        tflite=None if tflite is None else Path(tflite),
    )
    for file in (files.page, files.data, files.tflite):
        if file is not None:
            check_writable(file)
    return files


def _setting(
    opened: Opened, recipe: Recipe, candidate: Candidate, data: Any, shorthand: str | None
) -> Setting:
    return Setting(
        recipe=recipe,
        shorthand=shorthand,
        keras=keras_kind(opened.model) is not None,
        data=data is not None,
        trained=opened.source.training is not None,
        widens=widened_ops(candidate),
        readers=input_readers(candidate),
    )


def _measured(
    opened: Opened,
    setting: Setting,
    outcome: Outcome,
    files: _Files,
    clock: Clock,
    *,
    latency: bool,
) -> ModelReport:
    candidate, content = outcome.candidate, outcome.quantized.content
    samples = _of_one_shape(list(itertools.islice(outcome.judged(), ENOUGH)))
    if not samples:
        raise UserError("verify_data yields no sample; give one at least.")
    layers = layer_reports(candidate, content, samples)
    clock.lap("layers")
    answers = compare_answers(opened.source, outcome.reference, content, outcome.judged())
    clock.lap("answers")
    milliseconds: Mapping[int, float] = {}
    if latency:
        milliseconds = time_ops(Graph.from_bytes(content), backend="xnnpack")
        clock.lap("latency")
    ops = map_ops(content, _labels(candidate), milliseconds)
    export = export_report(
        opened,
        setting.recipe,
        outcome,
        path="" if files.tflite is None else str(files.tflite),
        seconds=clock.laps,
    )
    return ModelReport(
        path=str(files.page),
        verdict=verdict(outcome.outputs, layers, left=sum(not op.delegated for op in ops)),
        export=export,
        layers=layers,
        samples=sum(next(iter(sample.values())).shape[0] for sample in samples),
        advice=advise(layers, setting),
        confusions=answers.confusions,
        worst=answers.worst,
        ops=ops,
    )


def _of_one_shape(samples: list[Sample]) -> list[Sample]:
    """Those like the first: a layer's outputs over all samples are one array."""
    shapes = [{name: array.shape for name, array in sample.items()} for sample in samples]
    return [s for s, shape in zip(samples, shapes, strict=True) if shape == shapes[0]]


def _labels(candidate: Candidate) -> "Callable[[str], str]":
    """From the name of a tensor to the layer's, as the user knows it."""
    graph, names = candidate.plain.graph, names_of(candidate.source, candidate.plain)
    known = {
        graph.tensors[index].name: label
        for index, label in names.own_labels(activations(graph)).items()
    }
    return lambda name: known.get(name, name.split(";")[0])
