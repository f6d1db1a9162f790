"""Takes a model through the methods of a recipe, one step after another, each one measured.

Biases are corrected first, and anew after every rewriting: what a rewriting is worth shows only
then, for it moves the weights' errors, and rounding corrects biases anyway.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tflq._assign import assign_schemes, keep_float
from tflq._calibrate import Calibration, Statistics, batched, names_of
from tflq._candidate import Candidate, Judge, mean_sqnr
from tflq._channel_change import ChannelChange, changes
from tflq._clock import Clock
from tflq._fidelity import OutputFidelity
from tflq._float_model import FloatModel
from tflq._held_out import HeldOut
from tflq._progress import track
from tflq._recipe import Recipe
from tflq._split_outputs import split_outputs
from tflq._spool import Spool
from tflq._steps import StepEffect
from tflq._verify import Sample
from tflq.keras_side import Equalization, Expectations, Rewriting, from_keras
from tflq.tflite_side import (
    Checkpoint,
    Names,
    Normalized,
    Quantized,
    analytic_corrections,
    channel_errors,
    choose_bounds,
    derive_ranges,
    float_ops,
    normalize,
    refine,
    trained_bounds,
    within_kernels,
)

# Samples that the methods look at: caps and minima, and what layers see when quantized.
_KERAS_SAMPLES, _REFINING_SAMPLES = 100, 256
# Samples over which mean errors of channels are reported.
_COMPARED_SAMPLES = 20
_REWRITINGS = ("equalize", "absorb_bias")


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """The file that was kept and what led to it.

    Attributes:
        candidate: all that was decided.
        quantized: the file.
        outputs: its fidelity, one entry an output.
        steps: what each method did.
        calibration_samples: how many samples the ranges come from.
        verification: which samples judged; see `ExportReport`.
        weight_ranges, output_biases: what equalization and bias correction did.
        judged: gives the samples that judged.
        reference: the float .tflite that it was judged against.
        checkpoint: keeps what was learned until the file is written; clear it then.
    """

    candidate: Candidate
    quantized: Quantized
    outputs: tuple[OutputFidelity, ...]
    steps: tuple[StepEffect, ...]
    calibration_samples: int
    verification: str
    weight_ranges: dict[str, ChannelChange]
    output_biases: dict[str, ChannelChange]
    judged: Callable[[], Iterable[Sample]]
    reference: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True, kw_only=True, eq=False)
class _Taken:
    """One step's candidate, and what is to be said of the step; see `StepEffect`."""

    candidate: Candidate
    note: str = ""
    left: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Version:
    """A candidate, its file, and how close that comes to the float model."""

    candidate: Candidate
    quantized: Quantized
    outputs: tuple[OutputFidelity, ...]

    def is_worse_than(self, other: "_Version") -> bool:
        """By mean SQNR; never where nothing was judged."""
        own, others = mean_sqnr(self.outputs), mean_sqnr(other.outputs)
        return own is not None and others is not None and own < others


class Pipeline:
    """One export.

    Args:
        model: the Keras model, where there is one.
        source: the same, converted.
        recipe: what is to be done.
        data: the representative dataset, or None.
        verify_data: samples to judge with, or None.
        checkpoint: folder of learned rounding.
        clock: gets the time of every step.
        statistics: of the model as it came, where they are known already.
        reread: keep the samples that judge, so that `Outcome.judged` gives them again.
    """

    def __init__(
        self,
        model: Any,
        source: FloatModel,
        recipe: Recipe,
        data: Any,
        verify_data: Any,
        checkpoint: Path,
        clock: Clock,
        statistics: Statistics | None = None,
        *,
        reread: bool = False,
    ):
        self._model, self._source, self._recipe = model, source, recipe
        self._statistics = statistics
        self._clock = clock
        self._plain = self._normalized(source)
        self._names = names_of(source, self._plain)
        self._checkpoint = Checkpoint(checkpoint)
        self._held_out = self._stream(data, hold_out=verify_data is None)
        self._verify = None
        if verify_data is not None:
            samples = batched(verify_data, source.inputs, description="verifying")
            self._verify = Spool(samples) if reread or recipe.methods.any else samples
        self._judge = Judge(source, self._plain.content, self._judged)
        self._kept: list[str] = []
        self._steps: list[StepEffect] = []
        self._weight_ranges: dict[str, ChannelChange] = {}
        self._output_biases: dict[str, ChannelChange] = {}

    def run(self) -> Outcome:
        """Takes all steps.

        Raises:
            UserError: rounding is learned, and another program learns it for the same file.
        """
        learns = self._recipe.methods.rounding != "nearest"
        with self._checkpoint.kept_to_one() if learns else contextlib.nullcontext():
            return self._run()

    def _run(self) -> Outcome:
        methods, best = self._recipe.methods, self._start()
        if methods.any:
            self._record("ranges", _Taken(candidate=best.candidate), best, kept=True)
        for step in self._named_steps():
            taken = self._take(step, best.candidate)
            version = self._written(taken.candidate)
            keep = not (methods.selective and version.is_worse_than(best))
            self._clock.lap(step)
            self._record(step, taken, version, kept=keep)
            if step == "bias_correction":
                self._compare_biases(best, version)
            if keep:
                self._kept.append(step)
                best = version
        held = self._held_out
        verification = held.verification if held else "none"
        return Outcome(
            candidate=best.candidate,
            quantized=best.quantized,
            outputs=best.outputs,
            steps=tuple(self._steps),
            calibration_samples=held.calibrated if held else 0,
            verification=verification if self._verify is None else "given",
            weight_ranges=self._weight_ranges,
            output_biases=self._output_biases,
            judged=self._judged,
            reference=self._plain.content,
            checkpoint=self._checkpoint,
        )

    def _start(self) -> _Version:
        if self._data_free:
            first = self._rewritten(()).candidate
        else:
            first = self._candidate(self._source, self._plain, self._expectations())
        self._clock.lap("calibrate")
        quantized = first.write(self._recipe)
        self._clock.lap("quantize")
        outputs = self._judge.judge(quantized.content)
        self._clock.lap("verify")
        return _Version(candidate=first, quantized=quantized, outputs=outputs)

    def _written(self, candidate: Candidate) -> _Version:
        quantized = candidate.write(self._recipe)
        outputs = self._judge.judge(quantized.content)
        return _Version(candidate=candidate, quantized=quantized, outputs=outputs)

    @property
    def _data_free(self) -> bool:
        return self._held_out is None and self._recipe.methods.bias_correction == "analytic"

    def _named_steps(self) -> list[str]:
        methods = self._recipe.methods
        asked = {
            "bias_correction": methods.bias_correction is not None,
            "equalize": methods.equalize,
            "absorb_bias": methods.absorb_bias,
            "rounding": methods.rounding != "nearest",
        }
        return [name for name, wanted in asked.items() if wanted]

    def _take(self, step: str, kept: Candidate) -> _Taken:
        methods = self._recipe.methods
        if step == "bias_correction":
            return _Taken(candidate=self._corrected(kept), note=str(methods.bias_correction))
        if step == "rounding":
            return _Taken(candidate=self._refined(kept, methods.rounding), note=methods.rounding)
        before = [name for name in self._kept if name in _REWRITINGS]
        taken = self._rewritten((*before, step))
        if "bias_correction" in self._kept:
            taken = replace(taken, candidate=self._corrected(taken.candidate))
        return taken

    def _rewritten(self, steps: tuple[str, ...]) -> _Taken:
        """The model with its Keras layers rewritten, converted and calibrated anew."""
        rewriting = Rewriting(self._model)
        note, left = "", dict(rewriting.folding.left)
        for step in steps:
            samples = None
            if self._held_out is not None:
                samples = itertools.islice(self._held_out, _KERAS_SAMPLES)
            if step == "equalize":
                done = self._equalized(rewriting, samples)
                note, left = str(done), left | done.left
            else:
                absorbed = rewriting.absorb(samples)
                note, left = f"{sum(map(np.count_nonzero, absorbed.values()))} channels", {}
        return _Taken(candidate=self._converted(rewriting), note=note, left=left)

    def _equalized(self, rewriting: Rewriting, samples: Iterable[Sample] | None) -> Equalization:
        before, scheme = rewriting.weight_ranges(), self._recipe.scheme
        done = rewriting.equalize(samples, bits=scheme.weight_bits, per_channel=scheme.per_channel)
        self._weight_ranges = changes(before, rewriting.weight_ranges())
        return done

    def _converted(self, rewriting: Rewriting) -> Candidate:
        batch = self._source.inputs[0].shape[0]
        made = from_keras(rewriting.build(), batch_size=batch, source=self._source.source)
        if self._recipe.split_outputs:
            made = split_outputs(made)
        source = replace(made, reference=self._source.reference, outputs=self._source.outputs)
        expectations = None
        if self._recipe.methods.bias_correction == "analytic":
            expectations = rewriting.expect(self._input_ranges())
        return self._candidate(source, self._normalized(source), expectations)

    def _normalized(self, source: FloatModel) -> Normalized:
        corrects = self._recipe.methods.corrects_biases
        plain = normalize(source.tflite, name=source.source, biases=corrects)
        if source.training is None:
            return plain
        return replace(
            plain,
            ranges=derive_ranges(plain.graph, plain.ranges),
            bounds=plain.bounds | trained_bounds(plain.graph, source.training.weights),
        )

    def _candidate(
        self, source: FloatModel, plain: Normalized, expectations: Expectations | None
    ) -> Candidate:
        recipe = self._recipe
        original = None if source is self._source else self._names
        calibration = Calibration(
            source,
            plain,
            self._held_out,
            expected=expectations if self._data_free else None,
            original=original,
            statistics=self._statistics,
        )
        names = names_of(source, plain)
        chosen = names.match(recipe.scheme_for, argument="scheme_for", original=original)
        known = plain.ranges if self._held_out is None else None
        assignment = assign_schemes(source, plain.graph, recipe.scheme, names, chosen, known)
        plan = calibration.plan(recipe, assignment)
        seen = calibration.histograms
        assigned, kept = keep_float(source, plain.graph, recipe, assignment, plan, seen, chosen)
        if float_ops(assigned) != float_ops(assignment):
            assignment, plan = assigned, calibration.choose(recipe, assigned)
        bounds = choose_bounds(
            plain.graph,
            assignment=assignment,
            method=recipe.weight_calibrator,
            trained=plain.bounds,
        )
        return Candidate(
            source=source,
            plain=plain,
            plan=within_kernels(plain.graph, plan, bounds, assignment),
            bounds=bounds,
            assignment=assignment,
            conversion_error=calibration.conversion_error,
            labels=names.unique_labels(plan.ranges),
            expectations=expectations,
            constants=plan.constants,
            histograms=calibration.histograms,
            kept_float=kept,
        )

    def _expectations(self) -> Expectations | None:
        if self._recipe.methods.bias_correction != "analytic":
            return None
        return Rewriting(self._model).expect(self._input_ranges())

    def _input_ranges(self) -> dict[str, tuple[float, float]]:
        return {spec.name: self._recipe.input_range for spec in self._source.inputs}

    def _refined(self, kept: Candidate, rounding: str) -> Candidate:
        assert self._held_out is not None, "make_recipe asked for data"
        refined = refine(
            kept.plain.content,
            kept.rounding_plan,
            list(itertools.islice(self._held_out, _REFINING_SAMPLES)),
            kept.source.inputs,
            rounding=rounding,
            checkpoint=self._checkpoint,
        )
        return kept.decided(refined.constants, refined.bounds)

    def _corrected(self, kept: Candidate) -> Candidate:
        if self._recipe.methods.bias_correction == "empirical":
            return self._refined(kept, "nearest")
        assert kept.expectations is not None, "it was asked for"
        shifted = analytic_corrections(
            kept.plain.graph,
            kept.constants,
            kept.rounding_plan,
            kept.expectations.input_means,
            kept.source.layer_of,
        )
        return kept.decided(shifted, kept.bounds)

    def _compare_biases(self, before: _Version, after: _Version) -> None:
        """Mean errors of every layer's channels, of two files made of one float one."""
        samples = list(itertools.islice(self._judged(), _COMPARED_SAMPLES))
        if not samples:
            return
        kept = before.candidate
        inputs, graph = self._source.inputs, kept.plain.graph
        names = Names(graph, {}, kept.source.layer_of)
        first, second = (
            channel_errors(kept.plain.content, version.quantized.content, samples, inputs)
            for version in (before, after)
        )
        self._output_biases = changes(
            {names.label(index): error for index, error in first.items()},
            {names.label(index): error for index, error in second.items()},
        )

    def _stream(self, data: Any, *, hold_out: bool) -> HeldOut | None:
        if data is None:
            return None
        stream: Iterable[Sample] = batched(data, self._source.inputs, description="calibrating")
        return HeldOut(Spool(stream) if self._recipe.methods.any else stream, hold_out=hold_out)

    def _judged(self) -> Iterable[Sample]:
        if self._verify is not None:
            return self._verify
        kept = self._held_out.kept if self._held_out else []
        return track(kept, description="verifying", total=len(kept))

    def _record(self, step: str, taken: _Taken, version: _Version, *, kept: bool) -> None:
        sqnr = mean_sqnr(version.outputs)
        self._steps.append(
            StepEffect(step=step, note=taken.note, sqnr_db=sqnr, kept=kept, left=taken.left)
        )
