"""The one door out: from a trained model to a verified, quantized .tflite."""

import os
import time
from collections.abc import Mapping
from typing import Any

from tflq._calibrate import Calibration, batched
from tflq._fidelity import OutputFidelity
from tflq._files import check_writable, write_whole
from tflq._float_model import FloatModel
from tflq._recipe import Recipe, make_recipe
from tflq._report import ExportReport
from tflq._source import open_model
from tflq._verify import measure_fidelity
from tflq.data import data_dtypes
from tflq.tflite_side import (
    Normalized,
    Quantized,
    RangePlan,
    Runner,
    choose_bounds,
    normalize,
    quantize,
    read_facts,
)


def export(
    model: Any,
    path: str | os.PathLike[str],
    *,
    data: Any = None,
    scheme: str = "w8a8",
    calibrator: str = "mse",
    calibrator_for: Mapping[str, str] | None = None,
    weight_calibrator: str = "output_mse",
    io: str | None = None,
    verify_data: Any = None,
    batch_size: int | None = 1,
    safe_mode: bool = True,
) -> ExportReport:
    """Writes a quantized .tflite and says what it cost.

    The float .tflite is checked against the source before anything is quantized, and the
    quantized one is judged against the float one before it is written.

    Args:
        model: a Keras 3 or tf_keras model (functional, Sequential, or subclassed and built), one
            quantized by tfmot (its trained ranges are kept), the path of a `.keras`, `.h5` or
            float `.tflite` file, or of a SavedModel folder.
        path: the file to write or replace.
        data: the representative dataset, unlabelled or labelled, 100 samples or more: an array
            of shape (samples, ...), a dict of them by input name, a list, generator, function
            that returns one, `tf.data.Dataset` or `keras.utils.PyDataset`. Schemes that keep
            activations in float32, and models with trained ranges, need none.
        scheme: what to quantize to; see `tflq.schemes()`.
        calibrator: how ranges of activations are chosen; see `tflq.calibrators()`. Outputs of
            the model are never clipped by it.
        calibrator_for: calibrators of single layers, `{name or pattern: calibrator}`.
        weight_calibrator: how ranges of weights are chosen: "minmax" keeps the largest weight,
            "mse" loses least of the weights, "output_mse" least of what they compute.
        io: dtype of the file's inputs and outputs, "int8", "uint8" or "float32"; by default
            int8, and float32 for schemes that keep activations in float32.
        verify_data: samples to judge with; by default every tenth of `data` is held out.
        batch_size: the file's batch where the model leaves it open; None leaves it open, at
            the cost of shape arithmetic at run time.
        safe_mode: refuse Keras files that carry code (Lambda layers).

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
    recipe = make_recipe(
        scheme=scheme,
        calibrator=calibrator,
        calibrator_for=calibrator_for,
        weight_calibrator=weight_calibrator,
        io=io,
    )
    check_writable(path)
    clock = _Clock()
    dtypes = data_dtypes(data)
    source = open_model(model, batch_size=batch_size, safe_mode=safe_mode, dtypes=dtypes)
    plain = normalize(source.tflite, name=source.source)
    clock.lap("convert")
    calibration = Calibration(source, plain, data, hold_out=verify_data is None)
    plan = calibration.plan(recipe)
    clock.lap("calibrate")
    labels = calibration.names.unique_labels(plan.ranges)
    quantized = _quantize(source, plain, plan, recipe)
    clock.lap("quantize")
    outputs = _judge(source, plain, quantized, calibration, verify_data)
    facts = read_facts(quantized.content)
    write_whole(path, quantized.content)
    clock.lap("verify")
    return ExportReport(
        source=source.source,
        path=os.fspath(path),
        recipe=recipe,
        calibration_samples=calibration.samples,
        verification="given" if verify_data is not None else calibration.verification,
        conversion_error=calibration.conversion_error,
        float_size=len(source.tflite),
        facts=facts,
        outputs=outputs,
        ranges_asked=quantized.asked,
        deviations=quantized.deviations,
        ranges={labels[index]: bounds for index, bounds in plan.ranges.items()},
        seconds=clock.laps,
    )


def _quantize(source: FloatModel, plain: Normalized, plan: RangePlan, recipe: Recipe) -> Quantized:
    bounds = choose_bounds(
        plain.graph,
        scheme=recipe.scheme,
        method=recipe.weight_calibrator,
        trained=plain.bounds,
    )
    return quantize(
        plain.graph,
        ranges=plan.ranges,
        bounds=bounds,
        scheme=recipe.scheme,
        io=recipe.io,
        inputs=[spec.name for spec in source.inputs],
        outputs=source.outputs,
    )


def _judge(
    source: FloatModel,
    plain: Normalized,
    quantized: Quantized,
    calibration: Calibration,
    verify_data: Any,
) -> tuple[OutputFidelity, ...]:
    if verify_data is None:
        judged = calibration.kept
    else:
        judged = batched(verify_data, source.inputs, description="verifying")
    return measure_fidelity(
        Runner(plain.content, inputs=source.inputs).run,
        Runner(quantized.content, inputs=source.inputs).run,
        judged,
        names=source.outputs,
    )


class _Clock:
    """Times the steps of one export, in s."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step], self._last = now - self._last, now
