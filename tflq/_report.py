"""What an export did and what it cost."""

from dataclasses import dataclass, field

from tflq._fidelity import OutputFidelity
from tflq._recipe import Recipe
from tflq._tables import decibels, megabytes, text_facts, text_table, to_json
from tflq.tflite_side import Deviation, FileFacts

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
        ranges_asked: how many ranges of activations and weights were asked for.
        deviations: those that the file does not hold, each with the rule that forced another.
        ranges: (min, max) of each activation, by layer.
        seconds: time of each step, in s.
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
    ranges_asked: int
    deviations: tuple[Deviation, ...]
    ranges: dict[str, tuple[float, float]] = field(repr=False)
    seconds: dict[str, float]

    def __str__(self) -> str:
        """Tables for the terminal."""
        parts = [self._summary()]
        if self.outputs:
            parts.append(fidelity_table("Against the float model", self.outputs))
        parts.append(facts_table(self.facts))
        if self.deviations:
            parts.append(self._deviation_table())
        return "\n\n".join(parts)

    def to_json(self) -> str:
        """The whole report as JSON."""
        return to_json(self)

    def _summary(self) -> str:
        ratio = self.float_size / self.facts.size
        error, scheme = self.conversion_error, self.recipe.scheme
        rows = [
            ("scheme", f"{scheme.name} ({scheme.runtime})"),
            ("calibrator", f"{self.recipe.calibrator}; weights {self.recipe.weight_calibrator}"),
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
    return text_table(title, columns, rows)


def facts_table(facts: FileFacts) -> str:
    """Ops, float islands, stray conversions and delegation of a file."""
    d = facts.delegation
    whole = "the whole graph" if d.whole else f"{d.delegated} ops in {d.parts} part(s)"
    left = "" if not d.left else f"; left: {_some(d.left)}"
    rows = [
        ("ops", ", ".join(f"{kind} {count}" for kind, count in facts.ops.items())),
        ("XNNPACK takes", whole + left),
        ("float islands", _some(facts.float_ops) or "none"),
        ("conversions inside", _some(facts.conversions) or "none"),
    ]
    return text_facts("The file", rows)


def interval(bounds: tuple[float, float] | None) -> str:
    """A (min, max), such as `[0, 6]`."""
    return "float32" if bounds is None else f"[{bounds[0]:.4g}, {bounds[1]:.4g}]"


def _some(names: tuple[str, ...]) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:_SHOWN]) + _more(len(unique))


def _more(count: int) -> str:
    return f" (and {count - _SHOWN} more)" if count > _SHOWN else ""
