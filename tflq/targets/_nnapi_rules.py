"""What the rows of `_nnapi_table.py` are made of: levels, conditions, and how a row is read."""

from collections.abc import Callable
from dataclasses import dataclass

from tflq.targets._rules import (
    CODES,
    FLOAT,
    FLOAT_OR_CODES,
    Problem,
    Rule,
    Site,
    first_problem,
    largest_rank,
    newest_version,
    reads,
    when,
)

NNAPI_1_0 = 27
NNAPI_1_1 = 28
NNAPI_1_2 = 29
NNAPI_1_3 = 30
LEVEL_5 = 31
LEVEL_6 = 1_000_006
LEVEL_7 = 1_000_007
ANY_INTEGER = FLOAT_OR_CODES | {"int32"}
UNSIGNED = FLOAT | {"uint8"}
COMPARED = ANY_INTEGER | {"bool"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """When the delegate takes one kind of op.

    Attributes:
        first: the first level with the op.
        version: the newest version of the op that the delegate maps.
        dtypes: what its data may be, from a level on.
        rules: what holds at every level.
        before: what holds below a level only.
    """

    first: int = NNAPI_1_0
    version: int = 1
    dtypes: tuple[tuple[int, frozenset[str]], ...] = ()
    rules: tuple[Rule, ...] = ()
    before: tuple[tuple[int, Rule], ...] = ()

    def problem(self, site: Site, level: int) -> Problem | None:
        """Why the delegate leaves the op at a level."""
        if level < self.first:
            return Problem(reason="not in this version of NNAPI", advice="")
        allowed = [dtypes for start, dtypes in self.dtypes if start <= level]
        rules: tuple[Rule, ...] = (newest_version(self.version),)
        rules += (reads(allowed[-1]),) if allowed else ()
        rules += tuple(rule for end, rule in self.before if level < end)
        return first_problem(site, rules + self.rules)


def always(dtypes: frozenset[str]) -> tuple[tuple[int, frozenset[str]], ...]:
    return ((NNAPI_1_0, dtypes),)


def rank(low: int, high: int, place: int = 0) -> Rule:
    def outside(site: Site) -> bool:
        tensor = site.input(place)
        return tensor is not None and not low <= len(tensor.shape) <= high

    wanted = f"{low}" if low == high else f"{low} to {high}"
    return when(
        outside, f"its input must have {wanted} dimensions", "reshape before the layer, and back"
    )


def output_dtype(dtypes: frozenset[str]) -> Rule:
    return when(
        lambda site: site.output.dtype not in dtypes,
        f"its output must be {', '.join(sorted(dtypes))}",
        "ask for that dtype in the layer or in io=",
    )


def _is_hybrid(site: Site) -> bool:
    weights = site.weights or site.input(2)
    return site.data.dtype == "float32" and weights is not None and weights.dtype in CODES


def _axis_is_last(site: Site) -> bool:
    rank = len(site.data.shape) + (site.kind == "PACK")
    return site.option("axis") in (-1, rank - 1)


def _is_resampled_by_corners(site: Site) -> bool:
    return bool(site.option("alignCorners") or site.option("halfPixelCenters"))


def _scales_multiply_too_far(site: Site) -> bool:
    """Whether scale_in * scale_weights reaches scale_out; NNAPI 1.0 and 1.1 need it below."""
    held = [site.data.quantization, site.weights and site.weights.quantization]
    out = site.output.quantization
    if site.data.dtype != "uint8" or out is None or None in held:
        return False
    product = held[0].scale[0] * held[1].scale[0]  # type: ignore[union-attr]
    return bool(product >= out.scale[0])


def broadcasts_batches(site: Site) -> bool:
    one, two = site.input(0), site.input(1)
    return one is not None and two is not None and one.shape[:-2] != two.shape[:-2]


def _has_window_above(cells: int) -> Callable[[Site], bool]:
    return lambda site: (
        site.data.dtype in CODES
        and site.option("filterWidth") * site.option("filterHeight") > cells
    )


NO_HYBRID = when(_is_hybrid, "float data with 8-bit weights", "export with scheme='w8a8'")
_NOT_DILATED = when(
    lambda site: max(site.option("dilationWFactor"), site.option("dilationHFactor")) > 1,
    "it is dilated",
    "use dilation_rate=1",
)
_ONE_SCALE = when(
    lambda site: (
        site.weights is not None
        and site.weights.quantization is not None
        and site.weights.quantization.scale.size > 1
    ),
    "its weights have one scale a channel",
    "export with scheme='w8a8-per-tensor'",
)
SCALES = when(
    _scales_multiply_too_far,
    "the scales of input and weights multiply to more than that of the output",
    "widen the range of the output",
)
BIAS = when(
    lambda site: site.input(2) is None, "it has no bias", "build the layer with use_bias=True"
)
CORNERS = when(
    _is_resampled_by_corners,
    "it aligns corners or centres of pixels, as UpSampling2D does",
    "resize with Conv2DTranspose",
)
INNER_AXIS = when(_axis_is_last, "its axis is the last one", "stack along another axis")
SCALAR_OUT = when(
    lambda site: not site.output.shape, "its output has no dimension", "use keepdims=True"
)
SMALL_WINDOW = when(
    _has_window_above(256),
    "its window has more than 256 cells",
    "pool in two steps; a named accelerator takes it",
)
FOUR = largest_rank(4)
WEIGHTS_BEFORE_1_2 = (
    (NNAPI_1_2, NO_HYBRID),
    (NNAPI_1_2, reads(UNSIGNED)),
    (NNAPI_1_2, _ONE_SCALE),
    (NNAPI_1_2, SCALES),
    (NNAPI_1_2, _NOT_DILATED),
)
