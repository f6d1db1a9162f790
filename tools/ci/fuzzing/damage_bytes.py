"""Damages any content, without knowing what it is."""

import random
import struct
from collections.abc import Callable

NUMBERS = (0, 1, -1, 2, 3, 7, 127, 128, 255, 256, 2**15, 2**31 - 1, -(2**31), 2**32 - 1)
_LARGE = (2**40, 2**63 - 1, -(2**63))

Damage = Callable[[bytearray, random.Random], None]


def damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """A copy with one to eight faults."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if damaged:
            rng.choice(_KINDS)(damaged, rng)
    return bytes(damaged)


def _flip(content: bytearray, rng: random.Random) -> None:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _replace(content: bytearray, rng: random.Random) -> None:
    content[rng.randrange(len(content))] = rng.randrange(256)


def _cut(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(len(content)) :]


def _remove(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    del content[start : start + rng.randrange(1, 64)]


def _repeat(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    piece = content[start : start + rng.randrange(1, 64)]
    content[start:start] = piece * rng.randrange(1, 4)


def _scribble(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    size = min(rng.randrange(1, 32), len(content) - start)
    content[start : start + size] = rng.randbytes(size)


def _number(content: bytearray, rng: random.Random) -> None:
    number = rng.choice((*NUMBERS, *_LARGE))
    size = rng.choice((1, 2, 4, 4, 4, 8))
    packed = struct.pack("<Q", number & (2**64 - 1))[:size]
    start = rng.randrange(max(1, len(content) - size + 1))
    content[start : start + size] = packed


def _append(content: bytearray, rng: random.Random) -> None:
    content += rng.randbytes(rng.randrange(1, 64))


_KINDS: tuple[Damage, ...] = (
    *(_flip, _replace, _number, _number, _scribble),
    *(_cut, _remove, _repeat, _append),
)
