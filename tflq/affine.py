"""The arithmetic of affine quantization: real number = scale * (code - zero point).

Equations (1)-(5) of C. Jiang, "Efficient Quantization Techniques for Deep Neural Networks", for
signed codes of 2 to 16 bits. Equations (4) and (5), the two symmetric modes, follow the
documentation of Distiller, which the paper gives as its source:

| mode                 | scale                       | codes                  | zero point |
|----------------------|-----------------------------|------------------------|------------|
| asymmetric           | (max - min) / (2^b - 1)     | -2^(b-1) .. 2^(b-1)-1  | any code   |
| symmetric, full      | max|x| / ((2^b - 1) / 2)    | -2^(b-1) .. 2^(b-1)-1  | 0          |
| symmetric, restricted| max|x| / (2^(b-1) - 1)      | +-(2^(b-1) - 1)        | 0          |

Zero is exactly representable in all of them.
"""

import enum
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tflq._errors import UserError

Real: TypeAlias = float | npt.NDArray[np.float64]

MIN_BITS, MAX_BITS = 2, 16

# Files store scales as float32; one below its smallest normal number would be flushed to zero.
_SMALLEST_SCALE = float(np.finfo(np.float32).tiny)


class Mode(str, enum.Enum):
    """How codes are laid over the real numbers."""

    ASYMMETRIC = "asymmetric"
    SYMMETRIC_FULL = "symmetric_full"
    SYMMETRIC_RESTRICTED = "symmetric_restricted"


def code_limits(bits: int, mode: Mode) -> tuple[int, int]:
    """The smallest and the largest code.

    Args:
        bits: bits of a code, 2 to 16.
        mode: how codes are laid.

    Raises:
        UserError: `bits` is out of range.

    Example:
        >>> code_limits(8, Mode.ASYMMETRIC), code_limits(8, Mode.SYMMETRIC_RESTRICTED)
        ((-128, 127), (-127, 127))
    """
    if not MIN_BITS <= bits <= MAX_BITS:
        raise UserError(
            f"bits={bits!r} cannot be quantized to; give {MIN_BITS} to {MAX_BITS} bits."
        )
    highest = 2 ** (bits - 1) - 1
    return (-highest if mode is Mode.SYMMETRIC_RESTRICTED else -highest - 1), highest


def largest_bias(bits: int) -> int:
    """The largest code of a bias that kernels add without an overflow.

    Room is left in the int32 accumulator for the products. XNNPACK's kernels for 4-bit weights on
    processors with VNNI count in sixteenths.

    Args:
        bits: bits of the weights.

    Example:
        >>> largest_bias(8), largest_bias(4)
        (1073741824, 67108864)
    """
    return 2**30 if bits > 4 else 2**26


@dataclass(frozen=True, kw_only=True, eq=False)
class Affine:
    """A map between real numbers and codes.

    Attributes:
        scale: the real width of one code; a number, or a float64 array with one per channel.
        zero_point: the code of 0; a number, or an int64 array with one per channel.
        bits: bits of a code.
        mode: how codes are laid.
        axis: axis of the channels in what is quantized, when there is one scale per channel.

    Example:
        >>> affine = parameters(-1.0, 3.0, bits=8, mode=Mode.ASYMMETRIC)
        >>> affine.quantize(np.array([-1.0, 0.0, 3.0, 9.0]))
        array([-128,  -64,  127,  127], dtype=int32)
    """

    scale: Real
    zero_point: int | npt.NDArray[np.int64]
    bits: int
    mode: Mode
    axis: int = -1

    def quantize(self, x: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Equation (1): codes of real numbers, rounded half to even and saturated.

        Args:
            x: real numbers without NaN, any shape.

        Returns:
            int32 codes of the same shape.
        """
        real = np.asarray(x, np.float64)
        scale, zero_point = self._along(real.ndim)
        low, high = code_limits(self.bits, self.mode)
        codes: npt.NDArray[np.int32] = np.clip(np.rint(real / scale) + zero_point, low, high)
        return codes.astype(np.int32)

    def dequantize(self, codes: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Equation (2): the real numbers that codes stand for.

        Args:
            codes: integers, any shape.

        Returns:
            float32 numbers of the same shape.
        """
        integers = np.asarray(codes, np.int64)
        scale, zero_point = self._along(integers.ndim)
        return np.asarray(scale * (integers - zero_point), np.float32)

    def fake_quant(self, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """What is left of `x` after quantizing and dequantizing."""
        return self.dequantize(self.quantize(x))

    @property
    def range(self) -> tuple[Real, Real]:
        """The smallest and the largest representable number."""
        low, high = code_limits(self.bits, self.mode)
        return self._at(low), self._at(high)

    def _at(self, code: int) -> Real:
        real: Real = np.asarray(self.scale) * (code - np.asarray(self.zero_point))
        return real

    def _along(self, ndim: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Scale and zero point, shaped so that they broadcast along the channels' axis."""
        scale, zero_point = np.asarray(self.scale), np.asarray(self.zero_point)
        if scale.ndim == 0:
            return scale, zero_point
        shape = [1] * ndim
        shape[self.axis] = -1
        return scale.reshape(shape), zero_point.reshape(shape)


def parameters(
    minimum: npt.ArrayLike,
    maximum: npt.ArrayLike,
    *,
    bits: int,
    mode: Mode,
    axis: int = -1,
) -> Affine:
    """Scale and zero point of a range: equation (3), (4) or (5), by `mode`.

    An asymmetric range is first widened to hold 0, then moved by at most half a scale so that
    a code falls on 0, as LiteRT and its converter do. The range (0, 0), and any that is too narrow
    for the float32 scale of a file, gives scale 1 and zero point 0.

    Args:
        minimum: smallest number to represent; a number, or one per channel.
        maximum: largest number to represent, of the same shape.
        bits: bits of a code, 2 to 16.
        mode: how codes are laid.
        axis: axis of the channels in what will be quantized.

    Returns:
        The affine map, with numbers for numbers and arrays for arrays.

    Raises:
        UserError: `bits` is out of range, a bound is NaN or infinite, or minimum > maximum.

    Example:
        >>> affine = parameters(-1.0, 1.0, bits=8, mode=Mode.ASYMMETRIC)
        >>> round(float(affine.scale), 6), int(affine.zero_point)
        (0.007843, -1)
        >>> float(parameters(-1.0, 1.0, bits=8, mode=Mode.SYMMETRIC_RESTRICTED).scale) * 127
        1.0
    """
    low, high = np.asarray(minimum, np.float64), np.asarray(maximum, np.float64)
    lowest, highest = code_limits(bits, mode)
    _check(low, high)
    if mode is Mode.ASYMMETRIC:
        low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    else:
        high = np.maximum(np.abs(low), np.abs(high))
        low = -high
    # Halves keep the difference of two huge numbers finite.
    scale = (high / 2 - low / 2) / ((highest - lowest) / 2)
    narrow = scale < _SMALLEST_SCALE
    scale = np.where(narrow, 1.0, scale)
    zero_point = _zero_point(low / scale, high / scale, lowest, highest)
    zero_point = np.where(narrow | (mode is not Mode.ASYMMETRIC), 0, zero_point)
    # [()] turns an array of no dimensions into a number.
    return Affine(scale=scale[()], zero_point=zero_point[()], bits=bits, mode=mode, axis=axis)


def _check(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> None:
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise UserError(f"a range must be finite, but (minimum, maximum) is ({low}, {high}).")
    if (low > high).any():
        raise UserError(f"minimum must not exceed maximum, but they are {low} and {high}.")


def _zero_point(
    low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], lowest: int, highest: int
) -> npt.NDArray[np.int64]:
    """The code of 0, of bounds given in units of the scale.

    It is counted from the end that loses fewer digits, and rounded half away from zero unlike
    codes, because LiteRT does so: images in [-1, 1] have zero point -1 at 8 bits.
    """
    from_low, from_high = lowest - low, highest - high
    nearer_low = abs(lowest) + np.abs(low) < abs(highest) + np.abs(high)
    exact = np.clip(np.where(nearer_low, from_low, from_high), lowest, highest)
    whole = np.trunc(exact)
    rounded: npt.NDArray[np.float64] = whole + np.sign(exact) * (np.abs(exact - whole) >= 0.5)
    return rounded.astype(np.int64)
