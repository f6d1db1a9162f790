"""The one door out: from a trained model to a verified, quantized .tflite."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tflq._candidate import Candidate
from tflq._choices import Choices
from tflq._clock import Clock
from tflq._files import check_writable, hidden_name, is_replaced, write_whole
from tflq._notes import notes_of
from tflq._opened import Opened, open_for
from tflq._pipeline import Outcome
from tflq._recipe import Recipe
from tflq._report import ExportReport
from tflq._run_folder import process_folder
from tflq.tflite_side import read_facts


def export(
    model: Any,
    path: str | os.PathLike[str],
    *,
    data: Any = None,
    scheme: str | None = None,
    scheme_for: Mapping[str, str] | None = None,
    calibrator: str = "mse",
    calibrator_for: Mapping[str, str] | None = None,
    weight_calibrator: str = "output_mse",
    equalize: bool | None = None,
    absorb_bias: bool | None = None,
    bias_correction: str | None = None,
    rounding: str | None = None,
    recipe: str | None = None,
    input_range: tuple[float, float] = (-1.0, 1.0),
    io: str | Mapping[str, str] | None = None,
    split_outputs: bool = False,
    signature: str | None = None,
    verify_data: Any = None,
    batch_size: int | None = 1,
    safe_mode: bool = True,
) -> ExportReport:
    """Writes a quantized .tflite and says what it cost.

    The float .tflite is checked against the source before anything is quantized, and the
    quantized one is judged against the float one before it is written.

    Args:
        model: a Keras 3 or tf_keras model (functional, Sequential, or subclassed and built), one
            quantized by `tflq.quantize` or tfmot (trained ranges are kept), the path of a
            `.keras`, `.h5` or float `.tflite` file, or of a SavedModel folder.
        path: the file to write or replace; a link is followed, a device such as /dev/stdout is
            written to, and what else is no file is refused.
        data: the representative dataset, unlabelled or labelled, 100 samples or more: an array
            of shape (samples, ...), a dict of them by input name, a list, generator, function
            that returns one, `tf.data.Dataset` or `keras.utils.PyDataset`. Schemes that keep
            activations in float32, and models with trained ranges, need none.
        scheme: what to quantize to; see `tflq.schemes()`. By default "w8a8", or what a model from
            `tflq.quantize` was trained for.
        scheme_for: schemes of single layers, `{name or pattern: scheme}`; "float32" leaves a
            layer out.
        calibrator: how ranges of activations are chosen; see `tflq.calibrators()`. Outputs of
            the model are never clipped by it.
        calibrator_for: calibrators of single layers, `{name or pattern: calibrator}`.
        weight_calibrator: how ranges of weights are chosen: "minmax" keeps the largest weight,
            "mse" loses least of the weights, "output_mse" least of what they compute.
        equalize: cross-layer equalization; for Keras models.
        absorb_bias: high-bias absorption; for Keras models.
        bias_correction: "empirical" takes out of each bias what rounded weights add on `data`,
            "analytic" what batch normalization expects; the latter is for Keras models and, with
            `data=None`, chooses ranges of activations so too.
        rounding: "nearest"; "least_squares" or "adaround" learn from `data` how to round the
            weights, and correct the biases for it. They go on where they were stopped.
        recipe: a shorthand in place of the four above: "fast", "best", which drops steps that
            make the result worse, or "data-free".
        input_range: smallest and largest value of the inputs, where there is no `data`.
        io: dtype of the file's inputs and outputs, "int8", "uint8" or "float32"; by default
            int8, int16 or float32, as the scheme's activations are. A dict gives them one each,
            `{"input": "uint8", "output": "float32"}` or by name.
        signature: name of the signature that the file is made of, where a `.tflite` or a
            SavedModel has several.
        split_outputs: hand out what outputs join at their end one by one, as `NAME_0`, `NAME_1`:
            boxes and scores in one integer output share one scale.
        verify_data: samples to judge with; by default every tenth of `data` is held out.
        batch_size: the file's batch where the model leaves it open; None leaves it open, at
            the cost of shape arithmetic at run time.
        safe_mode: refuse Keras files that carry code (Lambda layers) or name what is neither
            Keras's nor registered, and SavedModels with ops that touch files or Python.

    Returns:
        An `ExportReport`; `print` shows it as tables.

    Raises:
        UserError: something given cannot be used; the message says what to do.
        ConversionError: a file does not compute what it was made from.

    Example:
        >>> import keras, numpy as np, tempfile, tflq
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
        >>> data = np.random.default_rng(0).normal(size=(100, 8)).astype("float32")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/model.tflite"
        ...     report = tflq.export(model, path, data=data, verify_data=data)
        >>> report.outputs[0].sqnr_db > 20
        True
    """
    choices: Choices = {
        "scheme": scheme,
        "scheme_for": scheme_for,
        "calibrator": calibrator,
        "calibrator_for": calibrator_for,
        "weight_calibrator": weight_calibrator,
        "equalize": equalize,
        "absorb_bias": absorb_bias,
        "bias_correction": bias_correction,
        "rounding": rounding,
        "recipe": recipe,
        "input_range": input_range,
        "io": io,
        "split_outputs": split_outputs,
        "signature": signature,
    }
    check_writable(path)
    clock = Clock()
    opened = open_for(choices, model, data, batch_size=batch_size, safe_mode=safe_mode)
    chosen = opened.recipe(choices)
    clock.lap("convert")
    outcome = opened.run(
        chosen, data, verify_data=verify_data, checkpoint=checkpoint_of(path), clock=clock
    )
    write_whole(path, outcome.quantized.content)
    outcome.checkpoint.clear()
    clock.lap("verify")
    return export_report(opened, chosen, outcome, path=os.fspath(path), seconds=clock.laps)


def export_report(
    opened: Opened, recipe: Recipe, outcome: Outcome, *, path: str, seconds: dict[str, float]
) -> ExportReport:
    """What there is to say of a file.

    Args:
        opened: what it was made from.
        recipe: how it was made.
        outcome: what was made.
        path: where it lies.
        seconds: time of each step.
    """
    candidate, quantized = outcome.candidate, outcome.quantized
    return ExportReport(
        source=opened.source.source,
        path=path,
        recipe=recipe,
        calibration_samples=outcome.calibration_samples,
        verification=outcome.verification,
        conversion_error=candidate.conversion_error,
        float_size=len(opened.source.tflite),
        facts=read_facts(quantized.content),
        outputs=outcome.outputs,
        notes=notes_of(candidate),
        steps=outcome.steps,
        ranges_asked=quantized.asked,
        deviations=quantized.deviations,
        ranges={candidate.labels[t]: bounds for t, bounds in candidate.plan.ranges.items()},
        seconds=seconds,
        weight_ranges=outcome.weight_ranges,
        output_biases=outcome.output_biases,
        kept_float=_kept_float(candidate),
    )


def _kept_float(candidate: Candidate) -> dict[str, str]:
    graph, reasons = candidate.plain.graph, candidate.kept_float
    ops = {index: graph.ops[index] for index in sorted(reasons)}
    names = {index: graph.tensors[op.outputs[0]].name for index, op in ops.items()}
    labels = {i: candidate.labels.get(op.outputs[0], names[i]) for i, op in ops.items()}
    return {f"{ops[i].kind} ({labels[i].split(';')[0]})": reasons[i] for i in ops}


def checkpoint_of(path: str | os.PathLike[str]) -> Path:
    """Where learned rounding is kept until the file is written."""
    target = Path(path)
    name = hidden_name(target.name, ".rounding")
    return target.with_name(name) if is_replaced(path) else process_folder() / name
