"""Checks that one model computes what another does."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tflq._errors import ConversionError, UserError
from tflq._fidelity import FidelityMeter, OutputFidelity
from tflq._float_model import FloatModel
from tflq._overflow import first_overflow
from tflq.tflite_side import Runner

Sample = Mapping[str, np.ndarray]
Run = Callable[[Sample], list[np.ndarray]]

# Float kernels of two libraries differ by rounding only; a wrong file differs by far more.
_TOLERANCE = 1e-3
# Fake quantization turns a rounding difference into a whole step where it crosses a boundary.
_FAKE_QUANT_TOLERANCE = 0.1
# Deep networks that were not trained can be chaotic: then rounding alone moves their outputs. What
# one rounding at the door does to the source, this many inside may do to the file.
_ROUNDINGS = 64


def add_samples(digest: Any, samples: Iterable[Sample]) -> None:
    """Adds samples to a digest of `hashlib`, which tells others apart then."""
    for sample in samples:
        for name, array in sample.items():
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())


def measure_fidelity(
    reference: Run, candidate: Run, samples: Iterable[Sample], *, names: Sequence[str]
) -> tuple[OutputFidelity, ...]:
    """Runs both over the samples and compares output by output, in the order of `names`.

    Raises:
        UserError: an output of one has more values than that of the other.
    """
    meters = [FidelityMeter(name) for name in names]
    count = 0
    for count, sample in enumerate(samples, start=1):
        pairs = zip(names, meters, reference(sample), candidate(sample), strict=True)
        for name, meter, first, second in pairs:
            expected, came = np.asarray(first), np.asarray(second)
            if expected.size != came.size:
                raise UserError(
                    f"output {name!r} has shape {expected.shape} in one model and {came.shape} in "
                    "the other; compare models of the same network."
                )
            meter.update(count - 1, expected, came)
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
        UserError: the source gives no number at all, so that there is nothing to compare.
    """
    if model.reference is None:
        return None
    expected = model.reference(sample)
    for name, value in zip(model.outputs, expected, strict=True):
        if value.dtype.kind == "f" and value.size and np.isnan(value).all():
            raise UserError(
                f"{model.source} gives nothing but NaN as output {name!r} of the first sample"
                f"{_overflow(model, sample)}, so that its file cannot be checked; give data= that "
                "starts with a usual sample, or mend the model."
            )
    errors = _relative_errors(expected, Runner(model.tflite, inputs=model.inputs).run(sample))
    tolerance = _FAKE_QUANT_TOLERANCE if fake_quantized else _TOLERANCE
    # Written so that NaN fails too.
    if not all(error <= tolerance for error in errors):
        moved = _relative_errors(expected, model.reference(_one_rounding_on(sample)))
        for name, error, rounding in zip(model.outputs, errors, moved, strict=True):
            if not error <= max(tolerance, _ROUNDINGS * rounding):
                raise ConversionError(
                    f"the float .tflite of {model.source} does not compute what the model does: "
                    f"output {name!r} differs by {error:.2g} of its largest value; nothing was "
                    "written. Export the model up to one layer, "
                    "keras.Model(model.inputs, model.get_layer(name).output), then up to others, "
                    "to find the one that its conversion changes."
                )
    return max(errors)


def _overflow(model: FloatModel, sample: Sample) -> str:
    found = first_overflow(model, sample)
    return "" if found is None else f" (the first infinity or NaN is that of {found})"


def _one_rounding_on(sample: Sample) -> Sample:
    """The next number up for every float of a sample."""
    return {
        name: np.nextafter(value, np.inf, dtype=value.dtype) if value.dtype.kind == "f" else value
        for name, value in sample.items()
    }


def _relative_errors(expected: Sequence[np.ndarray], came: Sequence[np.ndarray]) -> list[float]:
    return [_relative_error(*pair) for pair in zip(expected, came, strict=True)]


def _relative_error(expected: np.ndarray, came: np.ndarray) -> float:
    if expected.shape != came.shape:
        return float("inf")
    wanted, found = expected.astype(np.float64), came.astype(np.float64)
    # What neither knows, and infinities that both give, they agree on.
    apart = ~((wanted == found) | (np.isnan(wanted) & np.isnan(found)))
    if not apart.any():
        return 0.0
    largest = float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0))
    difference = float(np.abs(wanted[apart] - found[apart]).max())
    return difference / largest if largest else difference
