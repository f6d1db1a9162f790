"""What an export did and what it cost."""

import os
from dataclasses import dataclass, field

from tflq._channel_change import ChannelChange
from tflq._fidelity import OutputFidelity
from tflq._files import make_folder
from tflq._pictures import draw_changes
from tflq._recipe import Recipe
from tflq._steps import StepEffect
from tflq._tables import decibels, megabytes, text_facts, text_table, to_json
from tflq.scheme import Writer, get_scheme
from tflq.tflite_side import FLOAT32, Deviation, FileFacts

_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """Everything that `tflq.export` can say of the file it wrote.

    Attributes:
        source: what was exported.
        path: where it lies.
        recipe: how.
        calibration_samples: how many samples the ranges come from.
        verification: "held-out", "given" or "calibration": which samples were used to judge;
            "none" without data.
        conversion_error: largest difference between the float file and the source, relative to
            the source's largest output; None where the source is a .tflite.
        float_size: bytes of the float .tflite.
        facts: size, ops, float islands and delegation of the file.
        outputs: fidelity against the float model, one entry an output.
        notes: what else to know: layers without any values, outputs that hide some.
        steps: what each method did; empty where none was asked for.
        ranges_asked: how many ranges of activations and weights were asked for.
        deviations: those that the file does not hold, each with the rule that forced another.
        ranges: (min, max) of each activation, by layer.
        seconds: time of each step, in s.
        weight_ranges: by layer, the largest absolute weight of each output channel before and
            after equalization; empty without it.
        output_biases: by layer, the mean error of each output channel before and after bias
            correction; empty without it.
        kept_float: ops that stay in float32 under an integer scheme though nobody asked for it,
            as "KIND (layer)", each with the reason: codes are too coarse, or mean something else.
    """

    source: str
    path: str
    recipe: Recipe
    calibration_samples: int
    verification: str
    conversion_error: float | None
    float_size: int
    facts: FileFacts
    outputs: tuple[OutputFidelity, ...]
    notes: tuple[str, ...] = ()
    steps: tuple[StepEffect, ...]
    ranges_asked: int
    deviations: tuple[Deviation, ...]
    ranges: dict[str, tuple[float, float]] = field(repr=False)
    seconds: dict[str, float]
    weight_ranges: dict[str, ChannelChange] = field(default_factory=dict, repr=False)
    output_biases: dict[str, ChannelChange] = field(default_factory=dict, repr=False)
    kept_float: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Tables for the terminal."""
        parts = [self._summary()]
        if self.steps:
            parts.append(self._step_table())
        parts += [_left_table(step) for step in self.steps if step.left]
        if self.outputs:
            parts.append(fidelity_table("Against the float model", self.outputs))
        parts.append(facts_table(self.facts, all_islands=self._should_be_integer))
        if self.kept_float:
            title = "Kept in float32, as integers would ruin it"
            parts.append(text_table(title, ("op", "reason"), list(self.kept_float.items())))
        if self.deviations:
            parts.append(self._deviation_table())
        if self.notes:
            parts.append(text_facts("Take note", [("", note) for note in self.notes]))
        return "\n\n".join(parts)

    @property
    def scheme_text(self) -> str:
        """The scheme and what it means, unless ops of the file are in float after all."""
        scheme, islands = self.recipe.scheme, len(set(self.facts.float_ops))
        if self._should_be_integer and islands:
            return f"{scheme.name}, but for {islands} op(s) in float32"
        return f"{scheme.name} ({scheme.runtime})"

    @property
    def _should_be_integer(self) -> bool:
        return self.recipe.scheme.writer is Writer.INTEGER

    def plot(self, folder: str | os.PathLike[str]) -> tuple[str, ...]:
        """Draws what equalization and bias correction did to the least alike channels.

        Args:
            folder: gets `weight_ranges.png` and `output_biases.png`; made if need be.

        Returns:
            The files written; none where neither step was taken.

        Raises:
            UserError: matplotlib is not installed, or the folder cannot be written.
        """
        target = make_folder(folder)
        drawn = []
        if self.weight_ranges:
            drawn.append(target / "weight_ranges.png")
            title, unit = "Cross-layer equalization", "largest |weight|"
            draw_changes(drawn[-1], self.weight_ranges, title=title, unit=unit, log=True)
        if self.output_biases:
            drawn.append(target / "output_biases.png")
            title, unit = "Bias correction", "mean error"
            draw_changes(drawn[-1], self.output_biases, title=title, unit=unit, log=False)
        return tuple(map(str, drawn))

    def to_json(self) -> str:
        """The whole report as JSON."""
        return to_json(self)

    def _summary(self) -> str:
        ratio = self.float_size / self.facts.size
        error, recipe = self.conversion_error, self.recipe
        rows = [
            ("scheme", self.scheme_text),
            *((f"of {pattern}", _described(name)) for pattern, name in recipe.scheme_for.items()),
            ("calibrator", f"{recipe.calibrator}; weights {recipe.weight_calibrator}"),
            ("calibration", f"{self.calibration_samples} samples"),
            ("float file", "given" if error is None else f"equals the source within {error:.1e}"),
            (
                "size",
                f"{megabytes(self.float_size)} -> {megabytes(self.facts.size)} ({ratio:.2f}x)",
            ),
            (
                "ranges",
                f"{self.ranges_asked - len(self.deviations)} of {self.ranges_asked} as asked",
            ),
            ("time", ", ".join(f"{step} {s:.1f} s" for step, s in self.seconds.items())),
        ]
        return text_facts(f"{self.source} -> {self.path}", rows)

    def _step_table(self) -> str:
        rows: list[tuple[str, ...]] = []
        before: float | None = None
        for step in self.steps:
            sqnr = change = "-"
            if step.sqnr_db is not None:
                sqnr = decibels(step.sqnr_db)
                change = "" if before is None else f"{step.sqnr_db - before:+.2f} dB"
            rows.append((step.step, sqnr, change, "yes" if step.kept else "no", step.note))
            before = step.sqnr_db if step.kept else before
        return text_table("Step by step", ("step", "SQNR", "change", "kept", "how"), rows)

    def _deviation_table(self) -> str:
        by_rule: dict[str, list[Deviation]] = {}
        for deviation in self.deviations:
            by_rule.setdefault(deviation.rule, []).append(deviation)
        rows = [
            (rule, str(len(found)), _some(tuple(d.tensor.split(";")[0] for d in found)))
            for rule, found in by_rule.items()
        ]
        title = "Ranges that the file does not hold as asked"
        return text_table(title, ("rule", "tensors", "which"), rows)


def fidelity_table(title: str, outputs: tuple[OutputFidelity, ...]) -> str:
    """One row an output: SQNR, cosine, top-1 agreement, largest error, worst samples."""
    columns = ("output", "samples", "SQNR", "cosine", "top-1 agreement", "largest error", "worst")
    rows = [
        (
            o.name,
            str(o.samples),
            decibels(o.sqnr_db),
            f"{o.cosine:.5f}",
            "-" if o.top1_agreement is None else f"{o.top1_agreement:.4f}",
            f"{o.largest_error:.4g}",
            ", ".join(f"#{index}" for index, _ in o.worst),
        )
        for o in outputs
    ]
    table = text_table(title, columns, rows)
    unlike = [output for output in outputs if output.channels_db]
    return "\n\n".join([table, _channel_table(unlike)] if unlike else [table])


def _channel_table(outputs: list[OutputFidelity]) -> str:
    """The channels that the SQNR of the whole output tells least of."""
    rows = []
    for output in outputs:
        ranked = sorted(enumerate(output.channels_db), key=lambda pair: pair[1])
        shown = ", ".join(f"{index}: {decibels(value)}" for index, value in ranked[:_SHOWN])
        rows.append((output.name, shown + _more(len(ranked))))
    title = "Channels of the last axis, which differ in range: SQNR, lowest first"
    return text_table(title, ("output", "channels"), rows)


def facts_table(facts: FileFacts, *, all_islands: bool = False) -> str:
    """Ops, float islands, stray conversions and delegation of a file.

    Args:
        facts: the facts.
        all_islands: name every op in float, however many they are.
    """
    d = facts.delegation
    whole = "the whole graph" if d.whole else f"{d.delegated} ops in {d.parts} part(s)"
    islands = ", ".join(dict.fromkeys(facts.float_ops)) if all_islands else _some(facts.float_ops)
    left = "" if not d.left else f"; left: {_some(d.left)}"
    rows = [
        ("ops", ", ".join(f"{kind} {count}" for kind, count in facts.ops.items())),
        ("XNNPACK takes", whole + left),
        ("float islands", islands or "none"),
        ("conversions inside", _some(facts.conversions) or "none"),
    ]
    return text_facts("The file", rows)


def interval(bounds: tuple[float, float] | None) -> str:
    """A (min, max), such as `[0, 6]`."""
    return "float32" if bounds is None else f"[{bounds[0]:.4g}, {bounds[1]:.4g}]"


def _described(scheme: str) -> str:
    return scheme if scheme == FLOAT32 else f"{scheme} ({get_scheme(scheme).runtime})"


def _left_table(step: StepEffect) -> str:
    rows = list(step.left.items())
    if len(rows) > _SHOWN:
        rows = [*rows[:_SHOWN], (_more(len(rows)).strip(" ()"), "")]
    return text_table(f"What {step.step} left alone", ("layer", "reason"), rows)


def _some(names: tuple[str, ...]) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:_SHOWN]) + _more(len(unique))


def _more(count: int) -> str:
    return f" (and {count - _SHOWN} more)" if count > _SHOWN else ""
