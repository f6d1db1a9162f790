"""Schemes: what a network is quantized to, as data.

A scheme is added by `register_scheme`; nothing else changes, as long as one of the writers of
`tflq.tflite_side` can write it.
"""

import enum
from dataclasses import dataclass

from tflq._errors import UserError


class Writer(str, enum.Enum):
    """Which writer turns the float graph into the scheme's file."""

    INTEGER = "integer"
    WEIGHT_ONLY = "weight_only"
    DYNAMIC = "dynamic"


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """What weights and activations become.

    Attributes:
        name: as given to `tflq.export(..., scheme=name)`.
        weight_bits: bits of a weight, symmetric and restricted (equation 5).
        activation_bits: bits of an activation: 8, asymmetric (equation 3), or 16, symmetric and
            restricted (equation 5); None keeps float32.
        per_channel: one weight scale per output channel, else one per tensor.
        writer: which writer of the tflite side produces the file.
        runtime: what today's runtimes do with such a file, for the report.
        edge_weight_bits: bits of the weights of the first and the last layers that have any,
            where few bits cost most; None treats them as all others.
    """

    name: str
    weight_bits: int
    activation_bits: int | None
    per_channel: bool
    writer: Writer
    runtime: str
    edge_weight_bits: int | None = None

    @property
    def needs_data(self) -> bool:
        """Whether activation ranges, and so a representative dataset, are needed."""
        return self.activation_bits is not None


_SCHEMES: dict[str, Scheme] = {}


def register_scheme(scheme: Scheme) -> Scheme:
    """Makes `scheme` known under its name.

    Args:
        scheme: what weights and activations become, and which writer writes the file.

    Returns:
        The same scheme.

    Raises:
        UserError: the name is taken.

    Example:
        >>> import dataclasses
        >>> coarse = dataclasses.replace(get_scheme("dynamic"), name="dynamic-copy")
        >>> register_scheme(coarse).name in schemes()
        True
        >>> del _SCHEMES["dynamic-copy"]
    """
    if scheme.name in _SCHEMES:
        raise UserError(f"scheme {scheme.name!r} is registered already; choose another name.")
    _SCHEMES[scheme.name] = scheme
    return scheme


def get_scheme(name: str) -> Scheme:
    """The scheme registered as `name`.

    Raises:
        UserError: no such scheme; the message lists those there are.

    Example:
        >>> get_scheme("w8a8").weight_bits
        8
    """
    if name not in _SCHEMES:
        raise UserError(f"scheme={name!r} is unknown; choose one of: {', '.join(_SCHEMES)}.")
    return _SCHEMES[name]


def with_weight_bits(scheme: Scheme, weight_bits: int, *, per_channel: bool) -> str | None:
    """Name of the integer scheme with other weights and the same activations; None without one.

    Example:
        >>> with_weight_bits(get_scheme("w4a8-per-tensor"), 8, per_channel=False)
        'w8a8-per-tensor'
    """
    wanted = (weight_bits, scheme.activation_bits, per_channel, Writer.INTEGER)
    for other in _SCHEMES.values():
        if (other.weight_bits, other.activation_bits, other.per_channel, other.writer) == wanted:
            return other.name
    return None


def schemes() -> tuple[str, ...]:
    """The names of all schemes, built in and registered.

    Example:
        >>> schemes()[:2]
        ('w8a8', 'w8a8-per-tensor')
    """
    return tuple(_SCHEMES)


register_scheme(
    Scheme(
        name="w8a8",
        weight_bits=8,
        activation_bits=8,
        per_channel=True,
        writer=Writer.INTEGER,
        runtime="int8 kernels everywhere: XNNPACK, NNAPI, DSPs and microcontrollers",
    )
)
register_scheme(
    Scheme(
        name="w8a8-per-tensor",
        weight_bits=8,
        activation_bits=8,
        per_channel=False,
        writer=Writer.INTEGER,
        runtime="as w8a8; for accelerators that know one weight scale per tensor only",
    )
)
register_scheme(
    Scheme(
        name="w8",
        weight_bits=8,
        activation_bits=None,
        per_channel=True,
        writer=Writer.WEIGHT_ONLY,
        runtime="a quarter of the size at float speed: weights are dequantized when loaded; not "
        "for TensorFlow Lite Micro, which takes the first channel's scale for all",
    )
)
register_scheme(
    Scheme(
        name="dynamic",
        weight_bits=8,
        activation_bits=None,
        per_channel=True,
        writer=Writer.DYNAMIC,
        runtime="int8 weights, activations quantized on the fly: helps large layers on CPU only",
    )
)
register_scheme(
    Scheme(
        name="w4a8",
        weight_bits=4,
        activation_bits=8,
        per_channel=True,
        writer=Writer.INTEGER,
        runtime="half the size of w8a8, but no faster than float: XNNPACK takes int4 "
        "FULLY_CONNECTED and leaves int4 convolutions to LiteRT's reference kernels",
        edge_weight_bits=8,
    )
)
register_scheme(
    Scheme(
        name="w4a8-per-tensor",
        weight_bits=4,
        activation_bits=8,
        per_channel=False,
        writer=Writer.INTEGER,
        runtime="as w4a8; for accelerators that know one weight scale per tensor only",
        edge_weight_bits=8,
    )
)
register_scheme(
    Scheme(
        name="w8a16",
        weight_bits=8,
        activation_bits=16,
        per_channel=True,
        writer=Writer.INTEGER,
        runtime="saves accuracy, not time: XNNPACK takes none of it, and LiteRT's reference "
        "kernels are 10 to 20 times slower than float",
    )
)
