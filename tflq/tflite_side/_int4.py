"""Lays int4 codes out as .tflite files do: two a byte, the first in the low half."""

import math
from collections.abc import Sequence

import numpy as np


def pack_int4(codes: np.ndarray) -> np.ndarray:
    """Packs int8 codes from -8 to 7, any shape; an odd last one is followed by 0.

    Returns:
        uint8 bytes, half as many as codes.
    """
    halves = codes.reshape(-1).astype(np.uint8) & 0x0F
    halves = np.append(halves, np.zeros(halves.size % 2, np.uint8))
    return halves[0::2] | (halves[1::2] << 4)


def unpack_int4(packed: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The int8 codes of `shape` that `pack_int4` packed."""
    halves = np.stack([packed & 0x0F, packed >> 4], axis=-1).reshape(-1)[: math.prod(shape)]
    signed = halves.astype(np.int8)
    return np.where(signed > 7, signed - 16, signed).astype(np.int8).reshape(shape)
