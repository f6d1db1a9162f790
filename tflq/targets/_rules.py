"""What the tables of all targets are made of: one op as a rule sees it, and small rules.

A rule is a function from a `Site` to a `Problem`, or to None where it has no objection.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tflq.tflite_side import Graph, Op, Tensor

FLOAT = frozenset({"float32"})
CODES = frozenset({"int8", "uint8"})
FLOAT_OR_CODES = FLOAT | CODES

# Where the tensor that an op computes on is not its first input.
_DATA = {"SELECT": 1, "SELECT_V2": 1, "SPLIT": 1, "TRANSPOSE_CONV": 2}
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")

# Inputs that say how large the output is.
_SIZES = {
    "BROADCAST_TO": (1,),
    "FILL": (0,),
    "RANGE": (0, 1, 2),
    "RESHAPE": (1,),
    "RESIZE_BILINEAR": (1,),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
    "SLICE": (1, 2),
    "STRIDED_SLICE": (1, 2, 3),
    "TILE": (1,),
    "TRANSPOSE_CONV": (0,),
}

USE_W8A8 = "export with scheme='w8a8'"

# What to build instead of a layer that becomes an op without an int8 kernel.
_NORMALIZE = "replace LayerNormalization by BatchNormalization, which folds into the layer before"
_BILINEAR = "nearest UpSampling2D becomes RESHAPE and TILE: use interpolation='bilinear'"
_FLOAT_LAYER = "replace the float layer next to it, or export with io='int8' where it is the output"
_REPLACE = {
    "BATCH_MATMUL": "attention multiplies two activations: leave it to the CPU",
    "DEQUANTIZE": _FLOAT_LAYER,
    "ELU": "replace elu by relu",
    "EXP": "replace the activation by relu",
    "GATHER": "look the embedding up before the network, and feed it as an input",
    "GELU": "replace gelu by relu",
    "HARD_SWISH": "replace hard_silu by ReLU(6.0), which fuses into the layer before",
    "LEAKY_RELU": "replace LeakyReLU by ReLU",
    "LOG_SOFTMAX": "end the model with the logits; the app computes log_softmax",
    "PRELU": "replace PReLU by ReLU",
    "RSQRT": _NORMALIZE,
    "SOFTMAX": "end the model with the logits; the app computes softmax, or argmax needs none",
    "SQUARED_DIFFERENCE": _NORMALIZE,
    "TILE": _BILINEAR,
    "WHILE": "build the recurrent layer with unroll=True",
}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a target does not take an op, and what to change."""

    reason: str
    advice: str


@dataclass(frozen=True)
class Site:
    """One op and the graph it stands in."""

    graph: Graph
    op: Op

    @property
    def kind(self) -> str:
        """Such as CONV_2D."""
        return self.op.kind

    @property
    def data(self) -> Tensor:
        """The input that is computed on; an op without inputs has its output."""
        place = _DATA.get(self.kind, 0)
        return self.input(place) or self.input(0) or self.output

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.graph.tensors[self.op.outputs[0]]

    @property
    def weights(self) -> Tensor | None:
        """The weights of a convolution or of a dense layer."""
        return self.input(1) if self.kind in _WEIGHTED else None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """All inputs there are."""
        return tuple(self.graph.tensors[i] for i in self.op.inputs if i >= 0)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Inputs and outputs."""
        return (*self.inputs, *(self.graph.tensors[i] for i in self.op.outputs))

    @property
    def flowing(self) -> tuple[Tensor, ...]:
        """Those that are computed or fed, not stored."""
        return tuple(t for t in self.tensors if not t.is_constant)

    def input(self, place: int) -> Tensor | None:
        """The input at `place`, if there is one."""
        given = self.op.inputs[place : place + 1]
        return self.graph.tensors[given[0]] if given and given[0] >= 0 else None

    def value(self, place: int) -> np.ndarray | None:
        """The input at `place` where it is stored in the file."""
        tensor = self.input(place)
        if tensor is None or not tensor.is_constant:
            return None
        return self.graph.constant(tensor.index)

    def option(self, name: str) -> Any:
        """An option of the op; 0 where the file has none."""
        return getattr(self.op.options, name, 0)


Rule: TypeAlias = Callable[[Site], Problem | None]


def first_problem(site: Site, rules: Iterable[Rule]) -> Problem | None:
    """The first objection of `rules`."""
    return next((problem for rule in rules if (problem := rule(site))), None)


def replacement(kind: str) -> str:
    """What to build instead of the layer that becomes ops of this kind."""
    return _REPLACE.get(kind, "replace the layer, or leave the op to the CPU")


def when(condition: Callable[[Site], bool], reason: str, advice: str) -> Rule:
    """Objects where `condition` holds."""
    problem = Problem(reason=reason, advice=advice)
    return lambda site: problem if condition(site) else None


def newest_version(newest: int) -> Rule:
    """Objects to an op of a newer version than the target knows."""

    def rule(site: Site) -> Problem | None:
        if site.op.version <= newest:
            return None
        raised = f"{USE_W8A8}: one 4-bit {site.kind} raises the version of all of them in a file"
        return Problem(
            reason=f"version {site.op.version} of the op, the target knows up to {newest}",
            advice=_REPLACE.get(site.kind, raised),
        )

    return rule


def reads(allowed: frozenset[str]) -> Rule:
    """Objects to data of another dtype."""

    def rule(site: Site) -> Problem | None:
        if site.data.dtype in allowed:
            return None
        return Problem(
            reason=f"computes in {site.data.dtype}, taken are {_listed(allowed)}",
            advice=_dtype_advice(site, allowed),
        )

    return rule


def stored(place: int, what: str) -> Rule:
    """Objects where the input at `place` is computed instead of stored in the file."""
    return when(
        lambda site: (tensor := site.input(place)) is not None and not tensor.is_constant,
        f"its {what} is computed at run time",
        f"give the layer a constant {what}; export with batch_size=1, from a fixed input shape",
    )


def largest_rank(limit: int) -> Rule:
    """Objects to tensors of more dimensions."""

    def rule(site: Site) -> Problem | None:
        rank = max((len(tensor.shape) for tensor in site.tensors), default=0)
        if rank <= limit:
            return None
        return Problem(
            reason=f"a tensor of {rank} dimensions, at most {limit} are taken",
            advice=fewer_dimensions(site),
        )

    return rule


def fewer_dimensions(site: Site) -> str:
    """What to do about too many dimensions."""
    if site.kind in ("RESHAPE", "TILE"):
        return _BILINEAR
    return "keep to a batch of 1, height, width and channels"


def no_activation(site: Site) -> Problem | None:
    """Objects to a fused activation."""
    if not site.option("fusedActivationFunction"):
        return None
    return Problem(
        reason="an activation is fused into it",
        advice="move the activation before it, into the convolution or dense layer",
    )


def fixed_shapes(site: Site) -> Problem | None:
    """Objects to sizes that the file leaves open."""
    if all(None not in tensor.shape for tensor in site.tensors):
        return None
    return Problem(
        reason="the file leaves a size open",
        advice="export with batch_size=1, from a model whose input shape is fixed",
    )


def size_note(graph: Graph) -> tuple[str, ...]:
    """What to know of a file that computes sizes, for delegates that want fixed ones."""
    for op in graph.ops:
        given = [op.inputs[place] for place in _SIZES.get(op.kind, ()) if place < len(op.inputs)]
        if any(not graph.tensors[i].is_constant for i in given if i >= 0):
            return (
                f"{op.kind} #{op.index} computes a size: where the runtime cannot settle it as it "
                "loads the file, it does not use the delegate at all; export with batch_size=1",
            )
    return ()


def wide_codes(site: Site) -> Problem | None:
    """Objects to 16-bit activations and to 4-bit or 2-bit weights."""
    if any(tensor.dtype == "int16" for tensor in site.flowing):
        return Problem(
            reason="16-bit activations",
            advice=f"{USE_W8A8}, or take w8a16 out of scheme_for",
        )
    weights = site.weights
    if weights is not None and weights.dtype in ("int4", "int2"):
        return Problem(
            reason=f"{weights.dtype[3:]}-bit weights",
            advice=f"{USE_W8A8}, or give this layer 8 bits in scheme_for",
        )
    return None


def _dtype_advice(site: Site, allowed: frozenset[str]) -> str:
    if site.data.dtype == "float32":
        return "export with scheme='w8a8' and data; layers without an int8 kernel stay float"
    if site.data.dtype in CODES:
        return replacement(site.kind)
    return "compute this before or after the network, in the app"


def _listed(dtypes: frozenset[str]) -> str:
    return ", ".join(sorted(dtypes))
