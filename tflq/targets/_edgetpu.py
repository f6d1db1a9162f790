"""Coral's Edge TPU compiler.

Source: "TensorFlow models on the Edge TPU", section "Supported operations", of coral.ai, as two
others print it: Axis' "ARTPEC-7 supported ops" (compiler 16, up to ResizeBilinear) and, for ops
that follow in the alphabet, the 2019 list in dgist-datalab/Datalab_Intern; and maintainers' words
in google-coral/edgetpu issues 193 (Transpose, from compiler 16 on) and 684 (TransposeConv). The
requirements on tensors, and that only one part of the graph is compiled, are those of Axis'
"ARTPEC-7 optimization tips". `_UNREAD` is what newer lists may hold but could not be read.
"""

from math import prod

import numpy as np

from tflq.targets._judge import verdicts
from tflq.targets._report import Refusal, TakenOp, TargetReport
from tflq.targets._rules import (
    CODES,
    Problem,
    Rule,
    Site,
    fewer_dimensions,
    first_problem,
    fixed_shapes,
    no_activation,
    replacement,
    when,
    wide_codes,
)
from tflq.tflite_side import Graph

_UNREAD = ("RSQRT", "SQUARED_DIFFERENCE", "SUM")
_MOST_LOGITS = 16_000
_NOTE = "run edgetpu_compiler on the file: it may still leave large or imprecise ops to the CPU"
_PARAMETERS = {"bool", "int32", "int64"}


def _inner(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """Height, width and depth, of which leading ones may be missing."""
    return tuple(size or 0 for size in shape[-3:])


def _touches_batch(place: int) -> Rule:
    """Objects to axes, at `place`, that name the batch."""

    def rule(site: Site) -> bool:
        axes = site.value(place)
        rank = len(site.data.shape)
        return axes is None or bool(np.any(np.mod(axes, max(rank, 1)) == 0))

    return when(rule, "it works along the batch", "work along height, width or channels")


def _pads_batch(site: Site) -> bool:
    paddings = site.value(1)
    return paddings is None or (len(paddings) > 3 and bool(paddings[0].any()))


def _stacks_batch(site: Site) -> bool:
    return bool(site.option("axis") == 0)


def _dilates_unevenly(site: Site) -> bool:
    return bool(site.option("dilationWFactor") != site.option("dilationHFactor"))


def _computes_weights(site: Site) -> bool:
    return any(tensor is not None and not tensor.is_constant for tensor in map(site.input, (1, 2)))


def _joins_constants(site: Site) -> bool:
    fixed = [place for place, tensor in enumerate(site.inputs) if tensor.is_constant]
    if not fixed:
        return False
    zero = site.inputs[fixed[0]].quantization
    value = site.value(fixed[0])
    zeros = value is not None and zero is not None and bool(np.all(value == zero.zero_point[0]))
    return len(site.inputs) != 2 or not zeros


def _averages_odd_depth(site: Site) -> bool:
    axes = site.value(1)
    rank = len(site.data.shape)
    if axes is None or rank < 4:
        return False
    along_depth = bool(np.any(np.mod(axes, rank) == rank - 1))
    return along_depth and (site.data.shape[-1] or 0) % 4 != 0


def _makes_a_matrix(site: Site) -> bool:
    return sum(size != 1 for size in site.output.shape) > 1


def _softmax_of_more_than_a_row(site: Site) -> bool:
    return _makes_a_matrix(site) or prod(n or 0 for n in site.output.shape) > _MOST_LOGITS


def _moves_leading_sizes(site: Site) -> bool:
    """Whether a size other than 1 stands before the dimension that is squeezed out."""
    sizes = _inner(site.data.shape)
    ones = [place for place, size in enumerate(sizes) if size == 1]
    return bool(ones) and any(size != 1 for size in sizes[: ones[-1]])


def _strides(site: Site) -> bool:
    strides = site.value(3)
    masks = site.option("ellipsisMask") or site.option("newAxisMask")
    return strides is None or bool((strides != 1).any()) or bool(masks)


def _has_slope_a_place(site: Site) -> bool:
    slopes = site.input(1)
    return slopes is not None and any(size != 1 for size in slopes.shape[:-1])


_CONVOLUTION = (
    when(_computes_weights, "its weights are not constant", "make them weights of the layer"),
    when(_dilates_unevenly, "its dilations differ", "use the same dilation in x and y"),
)
_ROWS: dict[str, tuple[Rule, ...]] = {
    "AVERAGE_POOL_2D": (no_activation,),
    "CONCATENATION": (
        no_activation,
        when(_joins_constants, "it joins a constant that is not zero", "pad with zeros instead"),
    ),
    "CONV_2D": _CONVOLUTION,
    "DEPTHWISE_CONV_2D": _CONVOLUTION,
    "FULLY_CONNECTED": (
        _CONVOLUTION[0],
        when(
            lambda site: bool(site.option("weightsFormat")),
            "shuffled weights",
            "export the file again with tflq",
        ),
        when(_makes_a_matrix, "its output is no vector", "use a 1x1 convolution"),
    ),
    "MAX_POOL_2D": (no_activation,),
    "MEAN": (
        _touches_batch(1),
        when(_averages_odd_depth, "a depth that 4 does not divide", "use a multiple of 4 channels"),
    ),
    "PACK": (when(_stacks_batch, "it stacks along the batch", "stack along another axis"),),
    "PAD": (when(_pads_batch, "it pads the batch", "pad height, width or channels"),),
    "PRELU": (
        when(_has_slope_a_place, "a slope for every place", "use PReLU(shared_axes=[1, 2])"),
    ),
    "REDUCE_MAX": (_touches_batch(1),),
    "REDUCE_MIN": (_touches_batch(1),),
    "SOFTMAX": (
        when(
            _softmax_of_more_than_a_row,
            f"taken is one row of at most {_MOST_LOGITS} values",
            replacement("SOFTMAX"),
        ),
    ),
    "SQUEEZE": (
        when(_moves_leading_sizes, "a size stands before the dropped one", "reshape instead"),
    ),
    "STRIDED_SLICE": (
        when(_strides, "it strides, or adds a dimension", "use a strided convolution or pooling"),
    ),
    **dict.fromkeys(
        (
            *("ADD", "EXPAND_DIMS", "L2_NORMALIZATION", "LOGISTIC", "MAXIMUM", "MINIMUM", "MUL"),
            *("QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1", "RESHAPE"),
            *("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "SLICE", "SPACE_TO_DEPTH"),
            *("SPLIT", "SUB", "TANH", "TRANSPOSE", "TRANSPOSE_CONV"),
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
        ),
        (),
    ),
}


def edgetpu(graph: Graph, content: bytes, version: str | None) -> TargetReport:
    """What the compiler maps."""
    taken, refused = verdicts(graph, _problem)
    return TargetReport(
        target="edgetpu",
        taken=taken,
        refused=refused,
        notes=(*_after_first(graph, taken, refused), _NOTE),
    )


def _problem(site: Site) -> Problem | None:
    rules = _ROWS.get(site.kind)
    if rules is None:
        reason = "Coral's list of ops, as far as it could be read, does not name it"
        if site.kind in _UNREAD:
            reason = (
                "not in the part of Coral's list that could be read; newer compilers may map it"
            )
        return Problem(reason=reason, advice=replacement(site.kind))
    return first_problem(site, (fixed_shapes, wide_codes, _eight_bits, _three_sizes, *rules))


def _eight_bits(site: Site) -> Problem | None:
    """Objects to anything but int8 and uint8, but for shapes, axes and biases."""
    allowed = CODES | {"int4"}
    for tensor in site.tensors:
        if tensor.dtype in allowed or (tensor.is_constant and tensor.dtype in _PARAMETERS):
            continue
        advice = "export with scheme='w8a8' and data, and replace layers that stay float"
        if tensor.index in (*site.graph.inputs, *site.graph.outputs):
            advice = "export with io='int8' or io='uint8'"
        return Problem(reason=f"computes with {tensor.dtype}", advice=advice)
    return None


def _three_sizes(site: Site) -> Problem | None:
    """Objects to a batch: only the three innermost sizes may be above 1."""
    if all(size == 1 for tensor in site.flowing for size in tensor.shape[:-3]):
        return None
    return Problem(
        reason="more than its three innermost sizes are above 1",
        advice=fewer_dimensions(site),
    )


def _after_first(
    graph: Graph, taken: tuple[TakenOp, ...], refused: tuple[Refusal, ...]
) -> tuple[str, ...]:
    """Says how many ops the first refused one takes along to the CPU."""
    inside = [r for r in refused if not _is_at_door(graph, r)]
    later = [op for op in taken if inside and op.op > inside[0].op]
    if not later:
        return ()
    first = inside[0]
    return (
        f"the compiler makes one part: with {first.kind} #{first.op} the {len(later)} taken ops "
        "after it run on the CPU as well",
    )


def _is_at_door(graph: Graph, refusal: Refusal) -> bool:
    op = graph.ops[refusal.op]
    return op.kind == "QUANTIZE" and op.inputs[0] in graph.inputs
