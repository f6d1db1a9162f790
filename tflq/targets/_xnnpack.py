"""XNNPACK, LiteRT's library for CPUs.

Which ops it takes is not read from a table but asked of the runtime that is installed here, the
same as a phone's. The table says why an op was left. Source: the `Visit…Node` functions of
LiteRT's tflite/delegates/xnnpack/xnnpack_delegate.cc, commit f674577 of August 2026.
"""

from tflq.targets._judge import verdicts
from tflq.targets._report import TargetReport
from tflq.targets._rules import (
    CODES,
    Problem,
    Rule,
    Site,
    first_problem,
    replacement,
    stored,
    when,
    wide_codes,
)
from tflq.tflite_side import Graph, delegated_ops

# Ops whose float32 kernel has no int8 counterpart.
_FLOAT_ONLY = frozenset(
    {
        *("ABS", "AVERAGE_POOL_2D", "CEIL", "COS", "DIV", "EXP", "FLOOR", "GELU", "HARD_SWISH"),
        *("LOG", "MAXIMUM", "MINIMUM", "NEG", "PRELU", "RELU", "RELU6", "RELU_N1_TO_1", "ROUND"),
        *("RSQRT", "SIN", "SOFTMAX", "SQRT", "SQUARE", "SQUARED_DIFFERENCE"),
    }
)
_EIGHT_BIT = frozenset(
    {
        *("ADD", "BATCH_MATMUL", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D"),
        *("DEPTH_TO_SPACE", "DEQUANTIZE", "ELU", "EXPAND_DIMS", "FULLY_CONNECTED", "LEAKY_RELU"),
        *("LOGISTIC", "MAX_POOL_2D", "MEAN", "MUL", "PAD", "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN"),
        *("RESHAPE", "RESIZE_BILINEAR", "SLICE", "SPACE_TO_DEPTH", "SPLIT", "STRIDED_SLICE"),
        *("SUB", "SUM", "TANH", "TRANSPOSE", "TRANSPOSE_CONV"),
    }
)
_FUSE = "put the ReLU right after a convolution, dense or add layer, into which it fuses"
_INSTEAD = {
    "AVERAGE_POOL_2D": "use GlobalAveragePooling2D where it spans the whole map, else a strided "
    "convolution or MaxPooling2D",
    "RELU": _FUSE,
    "RELU6": _FUSE,
    "RELU_N1_TO_1": _FUSE,
    "PRELU": "replace PReLU by LeakyReLU, or by ReLU",
}
_COSTS = (
    "an op that is left runs on LiteRT's own kernels: right, but slower, and each change between "
    "the two costs a crossing"
)

_UNKNOWN = Problem(
    reason="the runtime left it, and its plan does not tell why",
    advice="try the layer with other sizes, or leave it to the CPU",
)


def _multiplies_codes_off_zero(site: Site) -> bool:
    right = site.input(1)
    held = None if right is None else right.quantization
    return held is not None and bool(held.zero_point.any())


def _masks_or_strides(site: Site) -> bool:
    strides = site.value(3)
    masks = ("ellipsisMask", "newAxisMask", "shrinkAxisMask")
    return any(map(site.option, masks)) or strides is None or bool((strides != 1).any())


def _computes_kernel(site: Site) -> bool:
    """Whether the kernel is no constant, nor dequantized from one."""
    kernel = site.input(1)
    if kernel is None or kernel.is_constant:
        return False
    maker = site.graph.producer.get(kernel.index)
    return maker is None or not site.graph.tensors[maker.inputs[0]].is_constant


_COMPUTED_KERNEL = when(
    _computes_kernel, "its kernel is computed at run time", "make the kernel a layer's weight"
)
_RULES: dict[str, tuple[Rule, ...]] = {
    "BATCH_MATMUL": (
        when(
            _multiplies_codes_off_zero,
            "its second input has a zero point other than 0",
            replacement("BATCH_MATMUL"),
        ),
    ),
    "CONCATENATION": (
        when(lambda site: len(site.inputs) > 5, "more than 5 inputs", "concatenate in two steps"),
    ),
    "CONV_2D": (
        when(lambda site: site.input(2) is None, "no bias", "build the layer with use_bias=True"),
        _COMPUTED_KERNEL,
    ),
    "FULLY_CONNECTED": (_COMPUTED_KERNEL,),
    "RESHAPE": (stored(1, "shape"),),
    "SLICE": (stored(1, "start"), stored(2, "size")),
    "SPLIT": (
        when(lambda site: len(site.op.outputs) > 4, "more than 4 outputs", "split in two steps"),
    ),
    "STRIDED_SLICE": (
        when(
            _masks_or_strides,
            "it strides, or drops or adds a dimension",
            "slice with x[:, a:b] and reshape, rather than with x[:, a] or x[:, ::2]",
        ),
    ),
    "TRANSPOSE": (stored(1, "order of axes"),),
    "TRANSPOSE_CONV": (stored(0, "output shape"),),
}


def xnnpack(graph: Graph, content: bytes, version: str | None) -> TargetReport:
    """What the runtime's plan hands to XNNPACK."""
    inside = delegated_ops(content)
    taken, refused = verdicts(
        graph, lambda site: None if site.op.index in inside else known_problem(site) or _UNKNOWN
    )
    return TargetReport(
        target="xnnpack", taken=taken, refused=refused, notes=(_COSTS,) if refused else ()
    )


def known_problem(site: Site) -> Problem | None:
    """Why the delegate leaves an op, as far as its rules are known here."""
    rules = (wide_codes, _no_kernel, *_RULES.get(site.kind, ()))
    return first_problem(site, rules)


def _no_kernel(site: Site) -> Problem | None:
    instead = _INSTEAD.get(site.kind, replacement(site.kind))
    if site.kind not in _FLOAT_ONLY | _EIGHT_BIT:
        return Problem(reason="XNNPACK has no such op", advice=instead)
    if site.data.dtype in CODES and site.kind in _FLOAT_ONLY:
        return Problem(reason="XNNPACK has it in float32 only", advice=instead)
    if site.data.dtype not in CODES | {"float16", "float32"}:
        return Problem(
            reason=f"computes in {site.data.dtype}",
            advice="compute this before or after the network, in the app",
        )
    return None
