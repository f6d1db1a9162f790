"""Which kernel evaluates which kind of op, and whether it is exact: all kinds, as data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tflq.integer import (
    _binary,
    _conversion,
    _convolution,
    _matmul,
    _pooling,
    _reduction,
    _resize,
    _softmax,
    _tables,
    _transpose_convolution,
)
from tflq.integer._arithmetic import knows_activation
from tflq.integer._floats import FLOATS
from tflq.integer._movement import MOVES
from tflq.integer._site import Function, Place, Site, Value


@dataclass(frozen=True)
class Kernel:
    """How one kind of op is evaluated on codes.

    Attributes:
        function: from values to values.
        exact: whether it gives the runtime's codes, all of them.
        fits: for which ops the function is meant; others go to the next of their kind.
    """

    function: Function
    exact: bool = True
    fits: Callable[[Site], bool] = lambda site: True


@dataclass(frozen=True)
class Choice:
    """The kernel of one op; `reason` says why it is not exact, and is empty where it is."""

    function: Function
    reason: str = ""

    @property
    def exact(self) -> bool:
        """Whether it gives the runtime's codes."""
        return not self.reason


def _delegated(site: Site) -> bool:
    return site.delegated and _eight_bits(site)


def _eight_bits(site: Site) -> bool:
    return all(place is None or place.dtype in ("int8", "uint8") for place in _coded(site))


def _weighted(site: Site) -> bool:
    dtypes = {site.input(0).dtype, site.input(1).dtype}
    known = dtypes in ({"int8"}, {"uint8"}, {"int8", "int4"})
    return known and site.input(1).value is not None


def _spreading(site: Site) -> bool:
    return _eight_bits(site) and site.input(1).value is not None


def _one_codebook(site: Site) -> bool:
    places = [*_coded(site), *site.outputs]
    codes = [place.codes for place in places if place.codes is not None]
    return len(codes) == len(places) and all(one.same(codes[0]) for one in codes)


def _tabular(site: Site) -> bool:
    places = [place for place in site.inputs if place is not None]
    bits = sum(8 if place.dtype in ("int8", "uint8") else 16 for place in places)
    return len(places) == len(_coded(site)) and bits <= 16


def _from_float(site: Site) -> bool:
    return site.input(0).codes is None


def _coded(site: Site) -> list[Place]:
    return [place for place in site.inputs if place is not None and place.codes is not None]


# fmt: off
_UNARY_KINDS = (
    "ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG",
    "LOGISTIC", "NEG", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "ROUND", "RSQRT", "SIGN",
    "SIN", "SQRT", "SQUARE", "TANH",
)
_BINARY_KINDS = (
    "DIV", "EQUAL", "FLOOR_DIV", "FLOOR_MOD", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL",
    "MAXIMUM", "MINIMUM", "NOT_EQUAL", "POW", "PRELU", "SQUARED_DIFFERENCE",
)
# fmt: on
_UNARY = Kernel(_tables.unary, fits=_tabular)
_BINARY = Kernel(_tables.binary, fits=_tabular)
_MOVE = {kind: (Kernel(function, fits=_one_codebook),) for kind, function in MOVES.items()}

# Of several kernels of a kind, the first that fits an op evaluates it.
KERNELS: dict[str, tuple[Kernel, ...]] = {
    **_MOVE,
    **dict.fromkeys(
        _UNARY_KINDS,
        (_UNARY,),
    ),
    **dict.fromkeys(
        _BINARY_KINDS,
        (_BINARY,),
    ),
    "ADD": (Kernel(_binary.add, fits=_delegated), _BINARY),
    "ARG_MAX": (Kernel(FLOATS["ARG_MAX"]),),
    "ARG_MIN": (Kernel(FLOATS["ARG_MIN"]),),
    "AVERAGE_POOL_2D": (Kernel(_pooling.average_pool, fits=_one_codebook),),
    "BATCH_MATMUL": (
        Kernel(_matmul.batch_matmul_delegated, fits=_delegated),
        Kernel(_matmul.batch_matmul_builtin, fits=_eight_bits),
    ),
    "CONV_2D": (Kernel(_convolution.conv_2d, fits=_weighted),),
    "DEPTHWISE_CONV_2D": (Kernel(_convolution.depthwise_conv_2d, fits=_weighted),),
    "DEQUANTIZE": (Kernel(_conversion.dequantize),),
    "FULLY_CONNECTED": (Kernel(_convolution.fully_connected, fits=_weighted),),
    "MAX_POOL_2D": (Kernel(_pooling.max_pool, fits=_one_codebook),),
    "MEAN": (Kernel(_reduction.mean, fits=_delegated),),
    "MUL": (Kernel(_binary.multiply, fits=_delegated), _BINARY),
    "QUANTIZE": (Kernel(_conversion.quantize, fits=_from_float), _UNARY),
    "REDUCE_MAX": (Kernel(_reduction.largest, fits=_one_codebook),),
    "REDUCE_MIN": (Kernel(_reduction.smallest, fits=_one_codebook),),
    "RESIZE_BILINEAR": (Kernel(_resize.resize_bilinear, fits=_delegated),),
    "SELECT": (Kernel(FLOATS["SELECT"], fits=_one_codebook),),
    "SELECT_V2": (Kernel(FLOATS["SELECT_V2"], fits=_one_codebook),),
    "SOFTMAX": (Kernel(_softmax.softmax, fits=_eight_bits),),
    "SUB": (Kernel(_binary.subtract, fits=_delegated), _BINARY),
    "SUM": (Kernel(_reduction.total, fits=_delegated),),
    "TRANSPOSE_CONV": (Kernel(_transpose_convolution.transpose_conv, fits=_spreading),),
}


def choose(site: Site) -> Choice | None:
    """The kernel of an op; None where there is none.

    Ops without codes run in TensorFlow as the float ops that they are, and so do, between
    decoding and encoding, ops on codes that no integer kernel fits.
    """
    if not knows_activation(site.options):
        return None
    if not _coded(site) and all(place.codes is None for place in site.outputs):
        return _plain(site)
    for kernel in KERNELS.get(site.kind, ()):
        if kernel.fits(site):
            return Choice(kernel.function, "" if kernel.exact else "its integers are approximated")
    floating = FLOATS.get(site.kind) or MOVES.get(site.kind)
    if floating is None:
        return None
    return Choice(decoded_around(floating), "it runs in float32 between decoding and encoding")


def _plain(site: Site) -> Choice | None:
    if site.kind in MOVES:
        return Choice(MOVES[site.kind])
    if site.kind not in FLOATS:
        return None
    whole = all(place.dtype != "float32" for place in site.outputs)
    return Choice(
        FLOATS[site.kind], "" if whole else "a float op, which TensorFlow may round otherwise"
    )


# Where the bias lies, behind the weights and the image.
_BIAS = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}


def _decoded_bias(site: Site, position: int) -> Value:
    """A bias counts in steps of its layer's input scale times its weights' scales."""
    image = site.input(position - 1 if site.kind == "TRANSPOSE_CONV" else 0)
    weights = site.input(1).codes
    bias = site.constant(position)
    if image.codes is None or weights is None or bias.dtype == np.float32:
        return tf.constant(bias[None])
    return tf.constant((bias * (image.codes.one_scale * weights.scale)).astype(np.float32)[None])


def decoded_around(function: Function) -> Function:
    """A float kernel for an op on codes."""

    def evaluate(site: Site, values: Sequence[Value]) -> list[Value]:
        numbers = [
            _conversion.decoded(value, place.codes) if place is not None and place.codes else value
            for place, value in zip(site.inputs, values, strict=True)
        ]
        if site.kind in _BIAS and site.has(_BIAS[site.kind]):
            numbers[_BIAS[site.kind]] = _decoded_bias(site, _BIAS[site.kind])
        return [
            _conversion.encoded(value, place.codes) if place.codes else value
            for place, value in zip(site.outputs, function(site, numbers), strict=True)
        ]

    return evaluate
