"""Checks that one model computes what another does."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from tflq._errors import ConversionError
from tflq._fidelity import FidelityMeter, OutputFidelity
from tflq._float_model import FloatModel
from tflq.tflite_side import Runner

Sample = Mapping[str, np.ndarray]
Run = Callable[[Sample], list[np.ndarray]]

# Float kernels of two libraries differ by rounding only; a wrong file differs by far more.
_TOLERANCE = 1e-3
# Fake quantization turns a rounding difference into a whole step where it crosses a boundary.
_FAKE_QUANT_TOLERANCE = 0.1


def measure_fidelity(
    reference: Run, candidate: Run, samples: Iterable[Sample], *, names: Sequence[str]
) -> tuple[OutputFidelity, ...]:
    """Runs both over the samples and compares output by output, in the order of `names`."""
    meters = [FidelityMeter(name) for name in names]
    count = 0
    for count, sample in enumerate(samples, start=1):
        pairs = zip(meters, reference(sample), candidate(sample), strict=True)
        for meter, expected, came in pairs:
            meter.update(count - 1, np.asarray(expected), np.asarray(came))
    return tuple(meter.result() for meter in meters) if count else ()


def conversion_error(model: FloatModel, sample: Sample, *, fake_quantized: bool) -> float | None:
    """Runs the source and its float .tflite on one sample.

    Args:
        model: the converted model.
        sample: one batch by input name.
        fake_quantized: the model simulates quantization, so that rounding shows more.

    Returns:
        The largest difference of an output, relative to its largest value; None where the
        source is a .tflite itself.

    Raises:
        ConversionError: the file does not compute what the source does.
    """
    if model.reference is None:
        return None
    expected = model.reference(sample)
    came = Runner(model.tflite, inputs=model.inputs).run(sample)
    worst = 0.0
    for name, wanted, got in zip(model.outputs, expected, came, strict=True):
        error = _relative_error(wanted, got)
        tolerance = _FAKE_QUANT_TOLERANCE if fake_quantized else _TOLERANCE
        # Written so that NaN fails too.
        if not error <= tolerance:
            raise ConversionError(
                f"the float .tflite of {model.source} does not compute what the model does: "
                f"output {name!r} differs by {error:.2g} of its largest value; nothing was "
                "written. Custom layers whose call() depends on Python state are a usual cause."
            )
        worst = max(worst, error)
    return worst


def _relative_error(expected: np.ndarray, came: np.ndarray) -> float:
    if expected.shape != came.shape:
        return float("inf")
    wanted = expected.astype(np.float64)
    largest = float(np.abs(wanted).max(initial=0.0))
    difference = float(np.abs(wanted - came).max(initial=0.0))
    return difference / largest if largest else difference
