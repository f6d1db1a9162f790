"""By what a quantized model is judged: built in, or a function of the user."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflq._candidate import mean_sqnr
from tflq._errors import UserError
from tflq._fidelity import FidelityMeter, OutputFidelity
from tflq.data import find_function, is_function_name

METRICS = ("agreement", "top1", "sqnr")

# From the outputs of all samples, those of the float model, and the labels, to a number.
Function = Callable[[list[np.ndarray], list[np.ndarray], np.ndarray | None], float]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure that is larger for better models.

    Attributes:
        name: "agreement", "top1", "sqnr", or the function's.
        unit: "points" (percent), "dB", or nothing for a user's own.
        function: the user's; None for those built in.
    """

    name: str
    unit: str
    function: Function | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """How good a model is.

    Attributes:
        value: of the metric.
        outputs: fidelity against the float model, one entry an output.
    """

    value: float
    outputs: tuple[OutputFidelity, ...]

    @property
    def sqnr_db(self) -> float:
        """Mean SQNR of the outputs, in dB."""
        return float(mean_sqnr(self.outputs) or 0.0)


def make_metric(metric: str | Function, labels: np.ndarray | None) -> Metric:
    """Checks the choice of a metric.

    Raises:
        UserError: it is unknown, or needs labels and there are none.
    """
    if callable(metric):
        return Metric(name=getattr(metric, "__name__", "metric"), unit="", function=metric)
    if is_function_name(metric):
        return Metric(name=metric, unit="", function=find_function(metric, what="metric"))
    if metric not in METRICS:
        raise UserError(
            f"metric={metric!r} is unknown; choose one of: {', '.join(METRICS)}, or give a "
            "function, on the command line as module:function."
        )
    if metric == "top1" and labels is None:
        raise UserError("metric='top1' needs the right answers; give labels= (--labels).")
    return Metric(name=metric, unit="dB" if metric == "sqnr" else "points")


class Evaluation:
    """Streams over what a model makes of samples; parts of a stream merge, bit for bit.

    Args:
        metric: what is measured; a user's function gets all outputs, which are kept for it.
        names: of the outputs.

    Example:
        >>> evaluation = Evaluation(Metric(name="agreement", unit="points"), ["y"])
        >>> evaluation.update(0, [np.array([[1.0, 2.0]])], [np.array([[1.0, 3.0]])], None)
        >>> evaluation.score().value
        100.0
    """

    def __init__(self, metric: Metric, names: Sequence[str]):
        self._metric, self._names = metric, tuple(names)
        self._meters = [FidelityMeter(name) for name in names]
        self._right = self._judged = 0
        self._kept: list[tuple[list[np.ndarray], list[np.ndarray], np.ndarray | None]] = []

    def update(
        self,
        index: int,
        reference: Sequence[np.ndarray],
        came: Sequence[np.ndarray],
        labels: np.ndarray | None,
    ) -> None:
        """Adds one sample, or one batch of a model that fixes its batch.

        Args:
            index: of the sample.
            reference: outputs of the float model.
            came: outputs of the model that is judged.
            labels: the right answers, shape (batch, ...).
        """
        for meter, expected, output in zip(self._meters, reference, came, strict=True):
            meter.update(index, np.asarray(expected), np.asarray(output))
        if self._metric.name == "top1" and labels is not None:
            right, judged = _right_answers(came, labels)
            self._right += right
            self._judged += judged
        if self._metric.function is not None:
            self._kept.append((list(reference), list(came), labels))

    def merge(self, later: "Evaluation") -> "Evaluation":
        """A new evaluation of this stream and a later one."""
        merged = Evaluation(self._metric, self._names)
        pairs = zip(self._meters, later._meters, strict=True)
        merged._meters = [mine.merge(other) for mine, other in pairs]
        merged._right = self._right + later._right
        merged._judged = self._judged + later._judged
        merged._kept = [*self._kept, *later._kept]
        return merged

    def score(self) -> Score:
        """What was measured.

        Raises:
            UserError: the user's function fails or returns no number, or no output has classes.
        """
        outputs = tuple(meter.result() for meter in self._meters)
        return Score(value=self._value(outputs), outputs=outputs)

    def _value(self, outputs: tuple[OutputFidelity, ...]) -> float:
        metric = self._metric
        if metric.function is not None:
            return _call(metric.name, metric.function, self._kept)
        if metric.name == "sqnr":
            return float(mean_sqnr(outputs) or 0.0)
        if metric.name == "top1":
            return 100.0 * self._right / self._judged
        agreements = [o.top1_agreement for o in outputs if o.top1_agreement is not None]
        if not agreements:
            raise UserError(
                "metric='agreement' compares the classes of largest value, and no output has "
                "several; choose metric='sqnr' or a function of your own."
            )
        return 100.0 * agreements[0]


def _right_answers(came: Sequence[np.ndarray], labels: np.ndarray) -> tuple[int, int]:
    """How many answers of the first output with classes are right, and of how many."""
    for output in came:
        if output.shape[-1] > 1:
            answers = output.argmax(-1)
            if answers.shape != labels.shape:
                raise UserError(
                    f"labels have shape {labels.shape[1:]} a sample, and the answers of the model "
                    f"{answers.shape[1:]}; give one label an answer."
                )
            return int(np.sum(answers == labels)), int(answers.size)
    raise UserError(
        "metric='top1' compares classes with labels, and no output has several classes; choose "
        "metric='sqnr' or a function of your own."
    )


def _call(name: str, function: Function, kept: Sequence[Any]) -> float:
    references, outputs, labels = zip(*kept, strict=True)
    stacked = [
        [np.concatenate(arrays) for arrays in zip(*samples, strict=True)]
        for samples in (outputs, references)
    ]
    answers = None if labels[0] is None else np.concatenate(labels)
    try:
        value = float(function(stacked[0], stacked[1], answers))
    except Exception as error:
        raise UserError(f"metric {name} failed with {type(error).__name__}: {error}.") from error
    if not math.isfinite(value):
        raise UserError(f"metric {name} returned {value}; it must return a finite number.")
    return value
