"""The GPU delegate of LiteRT for Android: OpenCL and OpenGL ES.

Source: `CheckGpuDelegateCompatibility` in LiteRT's tflite/tools/versioning/gpu_compatibility.cc;
the newest versions of ops, allowed dtypes and ranks in `NewOperationParser` and `GetOpsToReplace`
of tflite/delegates/gpu/common/model_builder.cc; defaults in delegate_options.cc. All of commit
f674577 of August 2026. LSTM stands for its versions only.
"""

import math

from tflq.targets._judge import verdicts
from tflq.targets._report import TargetReport
from tflq.targets._rules import (
    FLOAT_OR_CODES,
    Problem,
    Rule,
    Site,
    first_problem,
    largest_rank,
    newest_version,
    replacement,
    size_note,
    stored,
    when,
    wide_codes,
)
from tflq.tflite_side import Graph

_ALL = 10**6
_NOTES = (
    "8-bit files are taken by default, and computed in float16 or float32: they save memory, not "
    "time, over a float file, and their outputs differ from the CPU's",
)
_ONE_PART = (
    "by default only the largest connected part of the graph runs on the GPU: what lies beyond a "
    "refused op stays on the CPU as well"
)

_FLOWING = FLOAT_OR_CODES | {"float16"}
# Ops that may read or write other dtypes as well.
_ALSO = {
    "CAST": frozenset({"bool", "int32"}),
    "EQUAL": frozenset({"bool"}),
    "GATHER": frozenset({"int32"}),
    "GREATER": frozenset({"bool"}),
    "GREATER_EQUAL": frozenset({"bool"}),
    "LESS": frozenset({"bool"}),
    "LESS_EQUAL": frozenset({"bool"}),
    "LOGICAL_AND": frozenset({"bool"}),
    "NOT_EQUAL": frozenset({"bool"}),
    "ONE_HOT": frozenset({"int32"}),
    "SELECT": frozenset({"bool"}),
    "SELECT_V2": frozenset({"bool"}),
}


def _computed_inputs(low: int, high: int) -> Rule:
    def outside(site: Site) -> bool:
        return not low <= sum(not tensor.is_constant for tensor in site.inputs) <= high

    wanted = f"{low}" if low == high else f"{low} or {high}"
    return when(
        outside, f"it must have {wanted} computed inputs", "compute what it reads in the network"
    )


def _must_stretch_both(site: Site) -> bool:
    """Whether a product widens both factors, as a column times a row does."""
    one, two = site.inputs[0].shape, site.inputs[1].shape
    if len(one) != len(two):
        return False
    pairs = [(a or 1, b or 1) for a, b in zip(one, two, strict=True)]
    return any(a < b for a, b in pairs) and any(a > b for a, b in pairs)


def _cannot_broadcast(site: Site) -> bool:
    one, two = ([size or 1 for size in reversed(t.shape)] for t in site.inputs[:2])
    return any(a != b and 1 not in (a, b) for a, b in zip(one, two, strict=False))


def _pads_odd_axes(site: Site) -> bool:
    paddings = site.input(1)
    return paddings is None or paddings.shape not in ((3, 2), (4, 2))


def _multiplies_channels(site: Site) -> bool:
    return site.option("depthMultiplier") != 1 and site.data.shape[-1:] != (1,)


def _has_mask(site: Site) -> bool:
    return any(map(site.option, ("ellipsisMask", "newAxisMask", "shrinkAxisMask")))


def _changes_rank(site: Site) -> bool:
    return bool(site.option("keepNumDims")) and len(site.data.shape) != len(site.output.shape)


_ONE = (_computed_inputs(1, 1),)
_ONE_OR_TWO = (_computed_inputs(1, 2),)
_AXES = (_computed_inputs(1, 1), stored(1, "axes"))
_TWO = when(lambda site: len(site.inputs) != 2, "it has not two inputs", "take two by two")
_BROADCAST = when(_cannot_broadcast, "its inputs do not broadcast", "give both the same shape")
_PAD = (
    *_ONE,
    when(_pads_odd_axes, "its paddings are not those of 3 or 4 axes", "pad with ZeroPadding2D"),
)
_THREE_OR_FOUR = when(
    lambda site: len(site.data.shape) not in (3, 4),
    "its input must have 3 or 4 dimensions",
    "reshape before it",
)
_FLOAT_VALUES = when(
    lambda site: any(
        tensor is None or tensor.dtype not in ("float16", "float32")
        for tensor in (site.input(1), site.input(2))
    ),
    "its values are not float",
    "keep it float with scheme_for={name: 'float32'}",
)

_UNARY = (
    *("ABS", "COS", "ELU", "EXP", "FLOOR", "GELU", "LOG", "LOGISTIC", "MAX_POOL_2D", "NEG", "RELU"),
    *("RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "RSQRT", "SIGN", "SIN", "SQRT", "SQUARE", "TANH"),
)
_BINARY = (
    *("DIV", "EQUAL", "FLOOR_DIV", "FLOOR_MOD", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"),
    *("LOGICAL_AND", "MAXIMUM", "MINIMUM", "NOT_EQUAL", "POW", "SQUARED_DIFFERENCE", "SUB"),
)

# The newest version, and what must hold.
_ROWS: dict[str, tuple[int, tuple[Rule, ...]]] = {
    "ADD": (2, (_TWO, _BROADCAST)),
    "ADD_N": (2, (_TWO,)),
    "AVERAGE_POOL_2D": (2, _ONE),
    "BATCH_MATMUL": (_ALL, ()),
    "CAST": (_ALL, _ONE),
    "CONCATENATION": (2, ()),
    "CONV_2D": (6, _ONE_OR_TWO),
    "CUMSUM": (1, ()),
    "DENSIFY": (1, ()),
    "DEPTHWISE_CONV_2D": (
        6,
        (
            *_ONE_OR_TWO,
            when(
                _multiplies_channels,
                "depth_multiplier above 1",
                "use depth_multiplier=1 after a 1x1 convolution that widens",
            ),
        ),
    ),
    "DEPTH_TO_SPACE": (_ALL, _ONE),
    "DEQUANTIZE": (3, ()),
    "FULLY_CONNECTED": (
        9,
        (
            _computed_inputs(1, 2),
            when(_changes_rank, "it changes the number of dimensions", "flatten before Dense"),
        ),
    ),
    "GATHER": (1, _ONE_OR_TWO),
    "HARD_SWISH": (_ALL, _ONE),
    "LEAKY_RELU": (2, ()),
    "LSTM": (4, ()),
    "MEAN": (_ALL, _AXES),
    "MIRROR_PAD": (
        2,
        (when(lambda site: site.option("mode") != 0, "not mode REFLECT", "pad by REFLECT"), *_PAD),
    ),
    "MUL": (
        3,
        (
            _TWO,
            _BROADCAST,
            when(
                _must_stretch_both,
                "neither factor has the shape of the product",
                "replace LayerNormalization by BatchNormalization, or repeat one factor",
            ),
        ),
    ),
    "ONE_HOT": (1, ()),
    "PACK": (_ALL, ()),
    "PAD": (2, _PAD),
    "PADV2": (2, _PAD),
    "PRELU": (1, ()),
    "QUANTIZE": (2, _ONE),
    "RESHAPE": (1, _ONE),
    "RESIZE_BILINEAR": (3, _ONE),
    "RESIZE_NEAREST_NEIGHBOR": (3, _ONE),
    "SELECT": (1, (_FLOAT_VALUES,)),
    "SELECT_V2": (1, (_FLOAT_VALUES,)),
    "SLICE": (2, (_THREE_OR_FOUR,)),
    "SOFTMAX": (
        2,
        (
            when(
                lambda site: not math.isclose(site.option("beta"), 1),
                "beta is not 1",
                "scale the logits in the layer before",
            ),
        ),
    ),
    "SPACE_TO_DEPTH": (2, _ONE),
    "SPLIT": (_ALL, ()),
    "SPLIT_V": (_ALL, ()),
    "STRIDED_SLICE": (
        4,
        (
            when(
                _has_mask,
                "it drops or adds a dimension",
                "slice with x[:, a:b] and reshape, rather than with x[:, a]",
            ),
            _THREE_OR_FOUR,
        ),
    ),
    "TILE": (_ALL, _ONE),
    "TRANSPOSE": (4, _ONE),
    "TRANSPOSE_CONV": (3, _ONE_OR_TWO),
    "UNPACK": (_ALL, ()),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM"), (_ALL, _AXES)),
    **dict.fromkeys(_UNARY, (2, _ONE)),
    **dict.fromkeys(_BINARY, (2, _ONE_OR_TWO)),
}


def gpu(graph: Graph, content: bytes, version: str | None) -> TargetReport:
    """What the delegate takes with its default options."""
    taken, refused = verdicts(graph, _problem)
    return TargetReport(
        target="gpu",
        taken=taken,
        refused=refused,
        notes=(*_NOTES, *size_note(graph), *((_ONE_PART,) if refused else ())),
    )


def _problem(site: Site) -> Problem | None:
    if site.kind not in _ROWS:
        return Problem(reason="the GPU delegate has no such op", advice=replacement(site.kind))
    newest, rules = _ROWS[site.kind]
    everywhere = (wide_codes, _flows, largest_rank(4), newest_version(newest))
    return first_problem(site, everywhere + rules)


def _flows(site: Site) -> Problem | None:
    """Objects to computed tensors of a dtype that the GPU does not hold."""
    allowed = _FLOWING | _ALSO.get(site.kind, frozenset())
    others = sorted({t.dtype for t in site.flowing if t.dtype not in allowed})
    if not others:
        return None
    return Problem(
        reason=f"computes with {', '.join(others)}",
        advice="compute this before or after the network, in the app",
    )
