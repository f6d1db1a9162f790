"""One way to write the file, and how close to the float model it comes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tflq._errors import UserError
from tflq._fidelity import OutputFidelity
from tflq._float_model import FloatModel
from tflq._recipe import Recipe
from tflq._verify import Sample, measure_fidelity
from tflq.affine import Mode, parameters
from tflq.keras_side import Expectations
from tflq.ranges import Histogram
from tflq.tflite_side import (
    Assignment,
    Graph,
    Normalized,
    Plan,
    Quantized,
    RangePlan,
    Runner,
    activation_bits,
    attach_files,
    quantize,
    weight_bits,
    with_constants,
)

# Finite, so that an exact output can be averaged with others.
_EXACT_DB = 200.0
_WIDEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A float .tflite and all that was decided of its integers.

    Attributes:
        source: the converted model.
        plain: its normalized float .tflite.
        plan: ranges of activations.
        bounds: largest absolute weights, by weight tensor index.
        assignment: the scheme of each op.
        conversion_error: of the source's float .tflite.
        labels: names of the activations that have a range.
        expectations: what batch normalization tells, where it was asked.
        constants: weights and biases that were decided, by tensor index.
        histograms: what the ranges were chosen from, by tensor index; empty without data.
        kept_float: by op, why it is in float where nobody asked for that.
    """

    source: FloatModel
    plain: Normalized
    plan: RangePlan
    bounds: Mapping[int, np.ndarray]
    assignment: Assignment
    conversion_error: float | None
    labels: Mapping[int, str]
    expectations: Expectations | None
    constants: Mapping[int, np.ndarray] = field(default_factory=dict)
    histograms: Mapping[int, Histogram] = field(default_factory=dict)
    kept_float: Mapping[int, str] = field(default_factory=dict)

    def decided(
        self, constants: Mapping[int, np.ndarray], bounds: Mapping[int, np.ndarray]
    ) -> "Candidate":
        """The same with other weights and biases."""
        return replace(self, constants={**self.constants, **constants}, bounds=bounds)

    @property
    def rounding_plan(self) -> Plan:
        """How activations and weights are to be rounded."""
        graph = self.plain.graph
        bits = activation_bits(graph, self.assignment)
        return Plan(
            doors={
                tensor: parameters(
                    *bounds,
                    bits=width,
                    mode=Mode.ASYMMETRIC if width == 8 else Mode.SYMMETRIC_RESTRICTED,
                )
                for tensor, bounds in self.plan.ranges.items()
                if (width := bits[tensor]) is not None
            },
            bounds=self.bounds,
            bits=weight_bits(graph, self.assignment),
        )

    def write(self, recipe: Recipe) -> Quantized:
        """Writes the file.

        Raises:
            UserError: a range is wider than float32 holds, or the writer refuses the graph.
        """
        self._check_ranges()
        quantized = quantize(
            Graph.from_bytes(with_constants(self.plain.content, self.constants)),
            ranges=self.plan.ranges,
            bounds=self.bounds,
            assignment=self.assignment,
            scheme=recipe.scheme,
            io=recipe.io,
            inputs=[spec.name for spec in self.source.inputs],
            outputs=self.source.outputs,
            signature=self.source.signature,
        )
        return replace(quantized, content=attach_files(quantized.content, self.source.attached))

    def _check_ranges(self) -> None:
        # TensorFlow's quantizer computes with their widths, and dies of infinite ones.
        for tensor, (low, high) in self.plan.ranges.items():
            if high - low > _WIDEST:
                label = self.labels.get(tensor, self.plain.graph.tensors[tensor].name)
                raise UserError(
                    f"activation {label!r} of {self.source.source} reaches from {low:.3g} to "
                    f"{high:.3g}, which is wider than float32 holds; check the weights before it."
                )


class Judge:
    """Compares files with the float model on the same samples.

    Args:
        floating: the model as it came, converted.
        samples: gives the samples, as often as it is called.
    """

    def __init__(
        self, floating: FloatModel, content: bytes, samples: Callable[[], Iterable[Sample]]
    ):
        self._floating, self._content, self._samples = floating, content, samples

    def judge(self, content: bytes) -> tuple[OutputFidelity, ...]:
        """One entry an output; none without samples."""
        return measure_fidelity(
            Runner(self._content, inputs=self._floating.inputs).run,
            Runner(content, inputs=self._floating.inputs).run,
            self._samples(),
            names=self._floating.outputs,
        )


def mean_sqnr(outputs: tuple[OutputFidelity, ...]) -> float | None:
    """Mean SQNR of the outputs, in dB; None where nothing was judged."""
    if not outputs:
        return None
    return float(np.mean([min(o.sqnr_db, _EXACT_DB) for o in outputs]))
