"""One op of a file with all that its kernel needs to know besides the values it reads.

Values are TensorFlow tensors with an axis of samples in front of the file's own shape, so that no
kernel has to know what a network means by its batch; a constant has one sample. Codes are carried
as whole numbers in float32, which every device convolves, other numbers in their own dtype.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from tflq._errors import UserError

Value: TypeAlias = Any
LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7), "int16": (-32768, 32767)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Codes:
    """How codes stand for numbers: number = scale * (code - zero).

    Attributes:
        scale: float32, one or one a channel.
        zero: int64, likewise.
        axis: of the channels.
        low, high: the smallest and the largest code of the dtype.
    """

    scale: np.ndarray
    zero: np.ndarray
    axis: int
    low: int
    high: int

    @property
    def one_scale(self) -> np.float32:
        """The scale, where there is one."""
        return np.float32(self.scale[0])

    @property
    def one_zero(self) -> int:
        """The zero point, where there is one."""
        return int(self.zero[0])

    def same(self, other: "Codes") -> bool:
        """Whether the same codes stand for the same numbers."""
        return np.array_equal(self.scale, other.scale) and np.array_equal(self.zero, other.zero)


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """An input or output of an op.

    Attributes:
        name: of the tensor.
        shape: the file's, with 1 for an open batch.
        dtype: the file's.
        codes: what its codes stand for; None where it is not quantized.
        value: of a constant.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    codes: Codes | None = None
    value: np.ndarray | None = None

    @property
    def carrier(self) -> str:
        """The dtype of its values here."""
        return "float32" if self.codes is not None else self.dtype

    @property
    def known(self) -> Codes:
        """Its codes; for kernels that need some.

        Raises:
            UserError: the file tells no scale.
        """
        if self.codes is None:
            raise UserError(
                f"tensor {self.name!r} of the .tflite has no scale, which the op that makes or "
                "reads it needs; export the model again."
            )
        return self.codes


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """One op.

    Attributes:
        kind: such as CONV_2D.
        inputs: None for an optional one that is left out.
        outputs: what it makes.
        options: the file's builtin options.
        delegated: whether XNNPACK evaluates it, else a kernel of LiteRT's own.
        content: a .tflite of just this op, from shapes of its inputs; see `cut_op`.
    """

    kind: str
    inputs: tuple[Place | None, ...]
    outputs: tuple[Place, ...]
    options: Any = None
    delegated: bool = True
    content: Callable[[Sequence[tuple[int, ...]]], bytes] | None = None

    def input(self, position: int) -> Place:
        """An input that is there."""
        place = self.inputs[position]
        assert place is not None
        return place

    def has(self, position: int) -> bool:
        """Whether an optional input is there."""
        return position < len(self.inputs) and self.inputs[position] is not None

    def constant(self, position: int) -> np.ndarray:
        """The value of a constant input."""
        value = self.input(position).value
        assert value is not None
        return value

    @cached_property
    def table(self) -> np.ndarray:
        """What the runtime makes of every code; see `_tables`."""
        from tflq.integer._tables import filled

        return filled(self)

    @property
    def output(self) -> Place:
        """The only output."""
        return self.outputs[0]

    @property
    def source(self) -> Codes:
        """The codes of the first input."""
        return self.input(0).known

    @property
    def target(self) -> Codes:
        """The codes of the first output."""
        return self.output.known


# From an op and its inputs' values to its outputs' values.
Function: TypeAlias = Callable[[Site, Sequence[Value]], list[Value]]
