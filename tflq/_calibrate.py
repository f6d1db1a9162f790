"""The calibration pass: one stream over the data gives checks, statistics and ranges."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._float_model import FloatModel
from tflq._held_out import HeldOut
from tflq._progress import track
from tflq._recipe import Recipe
from tflq._verify import Sample, conversion_error
from tflq.data import InputSpec, batches, samples
from tflq.keras_side import Expectations
from tflq.ranges import Histogram
from tflq.tflite_side import (
    Assignment,
    Names,
    Normalized,
    RangePlan,
    activation_bits,
    activations,
    choose_ranges,
    collect,
    fixed_range,
    float_ops,
    graph_digest,
    untrained,
    vocabulary,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Statistics:
    """What a pass over the data gave for one float .tflite.

    Attributes:
        digest: of its graph, from `graph_digest`.
        histograms: by tensor index.
    """

    digest: str
    histograms: Mapping[int, Histogram]


def names_of(source: FloatModel, plain: Normalized) -> Names:
    """The user's names of the activations."""
    graph = plain.graph
    doors = dict(zip(graph.inputs, (spec.name for spec in source.inputs), strict=True))
    doors |= dict(zip(graph.outputs, source.outputs, strict=True))
    return Names(graph, doors, source.layer_of)


class Calibration:
    """Everything that one export learns from its data.

    Args:
        source: the converted model.
        plain: its normalized float .tflite.
        held_out: the representative dataset, or None.
        expected: what batch normalization tells, in place of data, or None.
        original: names of the model as it came, where this is a rewritten one.
        statistics: what other passes over the same data gave; used where they are of this file.

    Attributes:
        conversion_error: as `conversion_error` gives it, once data has been seen.
        histograms: of the activations, by tensor index, once data has been seen.
    """

    def __init__(
        self,
        source: FloatModel,
        plain: Normalized,
        held_out: HeldOut | None,
        *,
        expected: Expectations | None = None,
        original: Names | None = None,
        statistics: Statistics | None = None,
    ):
        self._source = source
        self._plain = plain
        self._held_out = held_out
        self._expected = expected
        self._known = statistics
        self._names = names_of(source, plain)
        self._original = original
        self.conversion_error: float | None = None
        self.histograms: Mapping[int, Histogram] = {}

    def plan(self, recipe: Recipe, assignment: Assignment) -> RangePlan:
        """Chooses the ranges that the recipe's scheme needs, for the bits of every activation.

        Raises:
            UserError: data is needed and there is none, or a name in it fits nothing.
        """
        needed = recipe.scheme.needs_data
        known = self._plain.ranges | self._expected_ranges()
        missing = untrained(self._plain.graph, known) if needed else ()
        # Without data, what training gave no range stays float; see `trained_assignment`.
        if self._held_out is None and missing and self._source.training is None:
            raise UserError(self._data_needed(recipe, missing))
        self.histograms = self._pass(with_statistics=bool(missing))
        return self.choose(recipe, assignment)

    def choose(self, recipe: Recipe, assignment: Assignment) -> RangePlan:
        """Chooses ranges from what `plan` has seen.

        Raises:
            UserError: a name in the recipe fits nothing.
        """
        overrides = self._names.match(
            recipe.calibrator_for, argument="calibrator_for", original=self._original
        )
        if not recipe.scheme.needs_data:
            return RangePlan(ranges={}, origin={})
        return choose_ranges(
            self._plain.graph,
            self.histograms,
            calibrator=recipe.calibrator,
            overrides=overrides,
            trained=self._plain.ranges | self._expected_ranges(),
            bits=activation_bits(self._plain.graph, assignment),
            apart=float_ops(assignment),
        )

    def _expected_ranges(self) -> dict[int, tuple[float, float]]:
        """Ranges of the layers' outputs, and of what their own softmax, sigmoid or tanh reads."""
        if self._expected is None:
            return {}
        graph, names, found = self._plain.graph, self._names, {}
        for op in graph.ops:
            layer = next(
                (name for name in names.aliases(op.outputs[0]) if name in self._expected.logits),
                None,
            )
            if fixed_range(graph, op.outputs[0]) is not None and layer is not None:
                found[op.inputs[0]] = self._expected.logits[layer]
        labels = {index: names.label(index) for index in activations(graph)}
        ranges = self._expected.ranges
        return found | {t: ranges[name] for t, name in labels.items() if name in ranges}

    def _pass(self, *, with_statistics: bool) -> dict[int, Histogram]:
        if self._held_out is None:
            self._check(self._made_up_sample())
            return {}
        stream = self._checked(self._held_out)
        known = self._known
        if known is not None and known.digest == graph_digest(self._plain.graph):
            for _ in stream:
                pass
            return dict(known.histograms)
        if with_statistics:
            graph = self._plain.graph
            return collect(
                self._plain.content,
                graph,
                stream,
                inputs=self._source.inputs,
                label=self._names.label,
            )
        for _ in stream:
            pass
        return {}

    def _made_up_sample(self) -> Sample:
        """Something for every input: noise in its trained range, indices that are in its table."""
        generator, sample = np.random.default_rng(0), {}
        for spec, tensor in zip(self._source.inputs, self._plain.graph.inputs, strict=True):
            shape = [n or 1 for n in spec.shape]
            if spec.dtype.kind != "f":
                sample[spec.name] = self._made_up_integers(tensor, generator, shape, spec.dtype)
                continue
            low, high = self._plain.ranges.get(tensor, (0.0, 0.0))
            # Ranges end at what is rare, so most values lie far inside.
            noise = generator.normal((low + high) / 2, (high - low) / 8, shape)
            sample[spec.name] = noise.clip(low, high).astype(spec.dtype)
        return sample

    def _made_up_integers(
        self, tensor: int, generator: np.random.Generator, shape: list[int], dtype: np.dtype
    ) -> np.ndarray:
        """Not zeros, which are padding where they are indices, and lengths of nothing."""
        known = vocabulary(self._plain.graph, tensor)
        if known is None and dtype.itemsize == 1 and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        rows = max(known or 2, 1)
        return generator.integers(min(1, rows - 1), rows, shape).astype(dtype)

    def _checked(self, stream: Iterable[Sample]) -> Iterator[Sample]:
        """Checks the conversion on the first sample, before any other work is spent."""
        for index, sample in enumerate(stream):
            if index == 0:
                self._check(sample)
            yield sample

    def _check(self, sample: Sample) -> None:
        source, quantized = self._source, bool(self._plain.ranges or self._plain.bounds)
        if source.training is not None:
            # Its reference computes without fake quantization, as the normalized file does.
            source, quantized = replace(source, tflite=self._plain.content), False
        self.conversion_error = conversion_error(source, sample, fake_quantized=quantized)

    def _data_needed(self, recipe: Recipe, missing: tuple[int, ...]) -> str:
        scheme = recipe.scheme.name
        if not self._plain.ranges:
            if self._expected:
                some = ", ".join(self._names.label(index) for index in missing[:5])
                return (
                    f"batch normalization tells nothing of {len(missing)} activations ({some}); "
                    "give data= (--data)."
                )
            return (
                f"scheme={scheme!r} needs a representative dataset; give data= (--data), 100 "
                "samples or more, or choose scheme='dynamic'."
            )
        some = ", ".join(self._names.label(index) for index in missing[:5])
        return f"{len(missing)} activations have no trained range ({some}); give data= (--data)."


def batched(data: Any, inputs: tuple[InputSpec, ...], *, description: str) -> Iterable[Sample]:
    """The samples of `data`, in batches where the model fixes one, with a progress bar."""
    found = samples(data, inputs)
    size = inputs[0].shape[0] if inputs[0].shape else 1
    if size in (None, 1):
        return track(found, description=description, total=found.total)
    total = None if found.total is None else found.total // size
    return track(batches(found, size), description=description, total=total, unit="batches")
