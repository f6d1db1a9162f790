"""Damages files of files, and of records, inside or at their frames."""

import io
import random
import struct
import zipfile
from collections.abc import Callable

from fuzzing.damage_bytes import damage_bytes
from fuzzing.damage_trees import damage_json

_NAMES = ("../up", "/etc/passwd", "", "a" * 300, "config.json", "x\x1b[2J.npy", "assets/../../x")


def damage_zip(content: bytes, rng: random.Random) -> bytes:
    """A copy of a zip with one member damaged, renamed, repeated or taken out."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place = rng.randrange(len(members))
    name, member = members[place]
    kind = rng.randrange(8)
    if kind == 0:
        del members[place]
    elif kind == 1:
        members.append((name, damage_member(name, member, rng)))
    elif kind == 2:
        members[place] = (rng.choice(_NAMES), member)
    else:
        members[place] = (name, damage_member(name, member, rng))
    return zipped(members, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def zipped(members: list[tuple[str, bytes]], kind: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of members, whose names may come twice."""
    import warnings

    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", kind) as archive:
        warnings.simplefilter("ignore")
        for name, member in members:
            archive.writestr(zipfile.ZipInfo(name), member, kind)
    return stream.getvalue()


def damage_member(name: str, content: bytes, rng: random.Random) -> bytes:
    """A copy of a member with something wrong in it."""
    if name.endswith(".json") and rng.random() < 0.8:
        return damage_json(content, rng)
    if name.endswith(".npy"):
        return damage_npy(content, rng)
    return damage_bytes(content, rng)


_SHAPES = ("()", "(0,)", "(-1, 4)", "(2**31, 2**31)", "(4294967296, 4)", "(4, 4, 4)", "[4]", "None")
_DTYPES = ("'|O'", "'<f8'", "'>f4'", "'|V8'", "'<U5'", "'<M8[s]'", "'<c16'", "'|b1'", "3", "'zz'")


def damage_npy(content: bytes, rng: random.Random) -> bytes:
    """A copy of a .npy whose header says something else, or that is damaged anywhere."""
    if rng.random() < 0.4:
        return damage_bytes(content, rng)
    start = content.index(b"{")
    end = content.index(b"\n", start)
    shape, dtype = rng.choice((*_SHAPES, "(8, 4)")), rng.choice((*_DTYPES, "'<f4'"))
    order = rng.choice(("False", "True", "7"))
    header = f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    return content[:start] + header.ljust(end - start)[: end - start] + content[end:]


def damage_records(content: bytes, rng: random.Random) -> bytes:
    """A copy of a .tfrecord with a record damaged in a sound frame, or with a wrong frame."""
    records = [content[start:end] for start, end in _frames(content)]
    place = rng.randrange(len(records))
    kind = rng.randrange(3)
    if kind == 0:
        return damage_bytes(content, rng)
    if kind == 1:
        records[place] = damage_bytes(records[place], rng)
        return b"".join(framed(record) for record in records)
    pieces = [framed(record) for record in records]
    length = rng.choice((0, 1, 2**31, 2**40, 2**63, 2**64 - 1, len(records[place]) + 1))
    pieces[place] = framed(records[place], length)
    return b"".join(pieces)


def _frames(content: bytes) -> list[tuple[int, int]]:
    found, start = [], 0
    while start < len(content):
        (length,) = struct.unpack_from("<Q", content, start)
        found.append((start + 12, start + 12 + length))
        start += 16 + length
    return found


def framed(record: bytes, length: int | None = None) -> bytes:
    """A record as TFRecord files hold it; another length may be claimed, with its sum."""
    head = struct.pack("<Q", len(record) if length is None else length)
    return head + _masked(head) + record + _masked(record)


def _masked(content: bytes) -> bytes:
    """The CRC-32C of bytes, rotated and shifted as TFRecord files hold it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_TABLE = [_entry(value) for value in range(256)]


def damage_hdf5(content: bytes, rng: random.Random) -> bytes:
    """A copy of a Keras .h5 with its configuration or any byte damaged."""
    if rng.random() < 0.5:
        return damage_bytes(content, rng)
    import h5py

    stream = io.BytesIO(content)
    with h5py.File(stream, "r+") as file:
        name = rng.choice(("model_config", "model_config", *file.attrs))
        value = file.attrs[name]
        text = value if isinstance(value, bytes) else str(value).encode()
        del file.attrs[name]
        if rng.random() < 0.9:
            looks_json = text.startswith(b"{")
            damaged = damage_json(text, rng) if looks_json else damage_bytes(text, rng)
            file.attrs[name] = damaged.replace(b"\0", b" ")
    return stream.getvalue()


def either(*kinds: Callable[[bytes, random.Random], bytes]) -> Callable[..., bytes]:
    """One of several ways to damage a file, drawn anew for each."""
    return lambda content, rng: rng.choice(kinds)(content, rng)
