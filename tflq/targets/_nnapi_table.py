"""Which ops the NNAPI delegate takes at which feature level.

Source: `NNAPIDelegateKernel::Validate` and `IsQuantized` in LiteRT's
tflite/delegates/nnapi/nnapi_delegate.cc, commit f674577 of August 2026; levels are those of
nnapi_delegate_kernel.h. NNAPI before 1.3 has no signed asymmetric codes: the delegate turns int8
into uint8 there. Weights with one scale a channel begin with NNAPI 1.2. Of recurrent ops the table
holds versions and levels only.
"""

import numpy as np

from tflq.targets._nnapi_rules import (
    ANY_INTEGER,
    BIAS,
    COMPARED,
    CORNERS,
    FOUR,
    INNER_AXIS,
    LEVEL_6,
    LEVEL_7,
    NNAPI_1_0,
    NNAPI_1_1,
    NNAPI_1_2,
    NNAPI_1_3,
    NO_HYBRID,
    SCALAR_OUT,
    SCALES,
    SMALL_WINDOW,
    UNSIGNED,
    WEIGHTS_BEFORE_1_2,
    Row,
    always,
    broadcasts_batches,
    output_dtype,
    rank,
)
from tflq.targets._rules import (
    CODES,
    FLOAT,
    FLOAT_OR_CODES,
    no_activation,
    reads,
    stored,
    when,
)

_FLOAT_1_2 = Row(first=NNAPI_1_2, dtypes=always(FLOAT))
_RELU = Row(version=2, dtypes=always(FLOAT_OR_CODES))
_SUM = ((NNAPI_1_0, FLOAT_OR_CODES), (NNAPI_1_3, ANY_INTEGER))
_LOGICAL = Row(first=NNAPI_1_2, dtypes=always(frozenset({"bool"})))
_COMPARE = Row(first=NNAPI_1_2, version=2, dtypes=always(COMPARED))
_LARGEST = Row(first=NNAPI_1_2, version=3, dtypes=always(ANY_INTEGER))
_ARGUMENT = Row(
    first=NNAPI_1_2,
    version=2,
    dtypes=always(ANY_INTEGER | {"float16"}),
    rules=(output_dtype(frozenset({"int32"})),),
)
_PAD = Row(
    first=NNAPI_1_1,
    version=2,
    dtypes=((NNAPI_1_1, FLOAT), (NNAPI_1_2, FLOAT_OR_CODES)),
)
_REDUCED = Row(first=NNAPI_1_2, version=2, dtypes=always(FLOAT_OR_CODES), rules=(rank(1, 99),))
_TOTAL = Row(first=NNAPI_1_2, dtypes=always(FLOAT), rules=(SCALAR_OUT,))
_SEQUENCE = Row(first=NNAPI_1_2, version=2, rules=(NO_HYBRID,))
_LEAKY = Row(first=NNAPI_1_2, dtypes=always(FLOAT_OR_CODES))
_CORNERLESS_BEFORE_1_3 = ((NNAPI_1_3, CORNERS),)

ROWS = {
    "ABS": _FLOAT_1_2,
    "ADD": Row(version=2, dtypes=_SUM),
    "ARG_MAX": _ARGUMENT,
    "ARG_MIN": _ARGUMENT,
    "AVERAGE_POOL_2D": Row(version=2, dtypes=always(FLOAT_OR_CODES), rules=(SMALL_WINDOW,)),
    "BATCH_MATMUL": Row(
        first=LEVEL_6,
        version=2,
        dtypes=always(FLOAT | {"int8", "int32"}),
        rules=(
            rank(2, 4),
            when(broadcasts_batches, "it broadcasts its batches", "repeat the smaller input"),
        ),
    ),
    "BATCH_TO_SPACE_ND": Row(
        first=NNAPI_1_1,
        version=2,
        rules=(
            stored(2, "crop"),
            when(lambda site: bool(np.any(site.value(2))), "it crops", "crop with Cropping2D"),
        ),
    ),
    "BIDIRECTIONAL_SEQUENCE_LSTM": Row(first=NNAPI_1_2, rules=(NO_HYBRID,)),
    "CAST": Row(
        first=NNAPI_1_2,
        dtypes=((NNAPI_1_2, UNSIGNED | {"int32"}), (NNAPI_1_3, ANY_INTEGER)),
        rules=(output_dtype(ANY_INTEGER),),
    ),
    "CONCATENATION": Row(
        version=2,
        dtypes=always(FLOAT_OR_CODES | {"float16"}),
        rules=(no_activation, FOUR),
    ),
    "CONV_2D": Row(
        version=3,
        dtypes=always(FLOAT_OR_CODES),
        rules=(BIAS,),
        before=WEIGHTS_BEFORE_1_2,
    ),
    "COS": _FLOAT_1_2,
    "DENSIFY": Row(first=NNAPI_1_3),
    "DEPTHWISE_CONV_2D": Row(version=3, dtypes=always(FLOAT_OR_CODES), before=WEIGHTS_BEFORE_1_2),
    "DEPTH_TO_SPACE": Row(version=99, dtypes=always(FLOAT_OR_CODES)),
    "DEQUANTIZE": Row(
        version=2,
        dtypes=((NNAPI_1_0, frozenset({"uint8"})), (NNAPI_1_2, CODES)),
        before=(
            (
                NNAPI_1_3,
                when(
                    lambda site: (
                        site.data.dtype == "int8"
                        and site.data.quantization is not None
                        and bool(site.data.quantization.zero_point.any())
                    ),
                    "int8 with a zero point other than 0",
                    "export with io='uint8'",
                ),
            ),
        ),
    ),
    "DIV": Row(first=NNAPI_1_1, dtypes=always(FLOAT), rules=(FOUR,)),
    "ELU": Row(first=NNAPI_1_3, dtypes=always(FLOAT)),
    "EMBEDDING_LOOKUP": Row(
        rules=(
            when(
                lambda site: (table := site.input(1)) is None or table.dtype != "float32",
                "its table is not float32",
                "keep the embedding float with scheme_for",
            ),
        )
    ),
    "EQUAL": _COMPARE,
    "EXP": _FLOAT_1_2,
    "EXPAND_DIMS": Row(
        first=NNAPI_1_2, dtypes=always(ANY_INTEGER | {"float16"}), rules=(stored(1, "axis"),)
    ),
    "FILL": Row(first=NNAPI_1_3, rules=(stored(0, "shape"),)),
    "FLOOR": Row(),
    "FULLY_CONNECTED": Row(
        version=5,
        dtypes=always(FLOAT_OR_CODES),
        before=(
            *WEIGHTS_BEFORE_1_2[:2],
            (NNAPI_1_2, SCALES),
            (
                NNAPI_1_3,
                when(
                    lambda site: bool(site.option("keepNumDims")),
                    "it keeps all dimensions of its input",
                    "flatten before the Dense layer",
                ),
            ),
        ),
    ),
    "GATHER": Row(
        first=NNAPI_1_2,
        version=2,
        dtypes=always(ANY_INTEGER | {"float16"}),
        rules=(
            when(
                lambda site: (
                    (where := site.input(1)) is None or where.dtype != "int32" or not where.shape
                ),
                "its indices are not int32 of one dimension or more",
                "cast the indices to int32",
            ),
        ),
    ),
    "GREATER": _COMPARE,
    "GREATER_EQUAL": _COMPARE,
    "HARD_SWISH": Row(version=99, dtypes=always(FLOAT_OR_CODES)),
    "L2_NORMALIZATION": Row(
        version=2,
        rules=(no_activation,),
        before=((NNAPI_1_2, reads(FLOAT)), (NNAPI_1_2, rank(4, 4))),
    ),
    "L2_POOL_2D": Row(dtypes=always(FLOAT), before=((NNAPI_1_2, no_activation),)),
    "LEAKY_RELU": _LEAKY,
    "LESS": _COMPARE,
    "LESS_EQUAL": _COMPARE,
    "LOCAL_RESPONSE_NORMALIZATION": Row(),
    "LOG": _FLOAT_1_2,
    "LOGICAL_AND": _LOGICAL,
    "LOGICAL_NOT": _LOGICAL,
    "LOGICAL_OR": _LOGICAL,
    "LOGISTIC": _RELU,
    "LOG_SOFTMAX": _FLOAT_1_2,
    "LSTM": Row(first=NNAPI_1_1, version=3, before=((NNAPI_1_2, NO_HYBRID),)),
    "MAXIMUM": _LARGEST,
    "MAX_POOL_2D": _RELU,
    "MEAN": Row(
        first=NNAPI_1_1,
        version=2,
        dtypes=((NNAPI_1_1, FLOAT), (NNAPI_1_2, FLOAT_OR_CODES)),
        rules=(SCALAR_OUT, FOUR),
    ),
    "MINIMUM": _LARGEST,
    "MIRROR_PAD": Row(first=LEVEL_7, version=2, dtypes=always(ANY_INTEGER)),
    "MUL": Row(version=2, dtypes=_SUM, rules=(FOUR,)),
    "NEG": Row(first=NNAPI_1_2, version=2, dtypes=always(FLOAT | {"int32"})),
    "NOT_EQUAL": _COMPARE,
    "PACK": Row(
        first=NNAPI_1_3,
        version=2,
        dtypes=((NNAPI_1_3, FLOAT | {"int8"}), (LEVEL_6, ANY_INTEGER)),
        before=((LEVEL_6, INNER_AXIS),),
    ),
    "PAD": _PAD,
    "PADV2": Row(first=NNAPI_1_2, version=2, dtypes=always(FLOAT_OR_CODES)),
    "POW": _FLOAT_1_2,
    "PRELU": _LEAKY,
    "QUANTIZE": Row(
        first=NNAPI_1_2,
        version=2,
        dtypes=always(FLOAT_OR_CODES),
        rules=(output_dtype(CODES),),
        before=((NNAPI_1_3, output_dtype(frozenset({"uint8"}))),),
    ),
    "REDUCE_ANY": Row(first=NNAPI_1_2, version=2, rules=(SCALAR_OUT,)),
    "REDUCE_MAX": _REDUCED,
    "REDUCE_MIN": _REDUCED,
    "REDUCE_PROD": _TOTAL,
    "RELU": _RELU,
    "RELU6": _RELU,
    "RELU_N1_TO_1": _RELU,
    "RESHAPE": Row(
        dtypes=((NNAPI_1_0, FLOAT_OR_CODES), (LEVEL_6, ANY_INTEGER)),
        rules=(
            stored(1, "shape"),
            when(
                lambda site: max(len(site.data.shape), len(site.output.shape)) > 4,
                "more than 4 dimensions",
                "nearest UpSampling2D becomes RESHAPE and TILE: use interpolation='bilinear'",
            ),
        ),
    ),
    "RESIZE_BILINEAR": Row(
        version=3,
        dtypes=((NNAPI_1_0, FLOAT), (NNAPI_1_2, FLOAT_OR_CODES)),
        rules=(rank(4, 4), stored(1, "size")),
        before=(
            *_CORNERLESS_BEFORE_1_3,
            (
                NNAPI_1_2,
                when(
                    lambda site: len(set(site.output.shape[1:3])) > 1,
                    "its output is not square",
                    "resize to a square",
                ),
            ),
        ),
    ),
    "RESIZE_NEAREST_NEIGHBOR": Row(
        first=NNAPI_1_2,
        version=3,
        dtypes=always(FLOAT_OR_CODES),
        rules=(stored(1, "size"),),
        before=_CORNERLESS_BEFORE_1_3,
    ),
    "REVERSE_V2": Row(first=LEVEL_7, version=3, dtypes=always(ANY_INTEGER)),
    "RSQRT": Row(
        first=NNAPI_1_2, version=2, dtypes=((NNAPI_1_2, FLOAT), (LEVEL_7, FLOAT_OR_CODES))
    ),
    "SELECT": Row(
        first=NNAPI_1_2,
        version=2,
        dtypes=always(ANY_INTEGER),
        rules=(
            when(
                lambda site: (
                    (condition := site.input(0)) is None or condition.shape != site.data.shape
                ),
                "condition and values have different shapes",
                "repeat the condition to the shape of the values",
            ),
        ),
    ),
    "SIN": _FLOAT_1_2,
    "SLICE": Row(first=NNAPI_1_2, version=2, dtypes=always(ANY_INTEGER)),
    "SOFTMAX": Row(
        version=2,
        dtypes=always(FLOAT_OR_CODES),
        rules=(FOUR,),
        before=(
            (
                NNAPI_1_2,
                when(
                    lambda site: len(site.data.shape) not in (2, 4),
                    "its input must have 2 or 4 dimensions",
                    "reshape before Softmax",
                ),
            ),
        ),
    ),
    "SPACE_TO_BATCH_ND": Row(first=NNAPI_1_1, version=2),
    "SPACE_TO_DEPTH": _RELU,
    "SPLIT": Row(
        first=NNAPI_1_2,
        version=3,
        dtypes=((NNAPI_1_2, UNSIGNED | {"int32"}), (NNAPI_1_3, ANY_INTEGER)),
        rules=(stored(0, "axis"),),
    ),
    "SPLIT_V": Row(
        first=NNAPI_1_3,
        version=2,
        dtypes=always(ANY_INTEGER),
        rules=(stored(1, "sizes"), stored(2, "axis")),
    ),
    "SQRT": _FLOAT_1_2,
    "SQUARED_DIFFERENCE": Row(
        first=NNAPI_1_1,
        version=2,
        dtypes=((NNAPI_1_1, FLOAT), (NNAPI_1_2, UNSIGNED), (NNAPI_1_3, ANY_INTEGER)),
        rules=(FOUR,),
    ),
    "SQUEEZE": Row(first=NNAPI_1_1),
    "STRIDED_SLICE": Row(first=NNAPI_1_1, version=2, dtypes=always(FLOAT_OR_CODES)),
    "SUB": Row(
        first=NNAPI_1_1,
        version=3,
        dtypes=((NNAPI_1_1, FLOAT), (NNAPI_1_2, FLOAT_OR_CODES), (NNAPI_1_3, ANY_INTEGER)),
        rules=(FOUR,),
    ),
    "SUM": _TOTAL,
    "SVDF": Row(first=NNAPI_1_1, rules=(NO_HYBRID,)),
    "TANH": Row(version=2, dtypes=((NNAPI_1_0, FLOAT), (NNAPI_1_2, FLOAT_OR_CODES))),
    "TILE": Row(first=NNAPI_1_2, dtypes=always(ANY_INTEGER)),
    "TOPK_V2": Row(first=NNAPI_1_2, version=2, dtypes=always(ANY_INTEGER), rules=(stored(1, "k"),)),
    "TRANSPOSE": Row(first=NNAPI_1_1, version=2, rules=(stored(1, "order of axes"),)),
    "TRANSPOSE_CONV": Row(
        first=NNAPI_1_2, version=3, rules=(stored(0, "output shape"), stored(1, "kernel"))
    ),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _SEQUENCE,
    "UNIDIRECTIONAL_SEQUENCE_RNN": Row(first=NNAPI_1_2, rules=(NO_HYBRID,)),
    "UNPACK": Row(
        first=NNAPI_1_3,
        version=2,
        dtypes=always(FLOAT_OR_CODES),
        rules=(rank(2, 4), INNER_AXIS),
    ),
}
