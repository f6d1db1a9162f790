"""The frames of TFRecord files, checked before TensorFlow reads one.

A record is eight bytes of length, their checksum, as many bytes, and the checksum of those:
https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details. TensorFlow makes
room for any length whose checksum is right, and dies where there is no such room.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

from tflq._errors import UserError
from tflq._limits import RECORD_BYTES
from tflq._regular import open_regular

_HEADER, _FOOTER = struct.Struct("<QI"), 4
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x78\x01": "zlib", b"\x78\x9c": "zlib", b"\x78\xda": "zlib"}


def _crc_table() -> tuple[int, ...]:
    """CRC-32C (Castagnoli) of each byte, lowest bit first."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _crc_table()


def masked_crc(content: bytes) -> int:
    """The checksum that TFRecord files have.

    Example:
        >>> hex(masked_crc(b"123456789"))
        '0xc78ab0e5'
    """
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF


def check_frames(file: Path) -> None:
    """Goes through the lengths of a file's records.

    Checksums of the records themselves are left to TensorFlow, which is fast at it.

    Raises:
        UserError: it is no regular file, cut off, damaged, compressed, or a record is too large.
    """
    try:
        with open_regular(file) as stream:
            _check(stream, file)
    except OSError as error:
        raise UserError(
            f"{str(file)!r} is not a readable TFRecord file ({error.strerror}); check the path."
        ) from error


def _check(stream: BinaryIO, file: Path) -> None:
    size = os.fstat(stream.fileno()).st_size
    at = index = 0
    while at < size:
        where = f"record {index} at byte {at}"
        header = stream.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise _damaged(file, f"{where} is cut off")
        length, checksum = _HEADER.unpack(header)
        if masked_crc(header[:8]) != checksum:
            kind = _COMPRESSED.get(header[:2]) if index == 0 else None
            raise _damaged(file, f"it is compressed by {kind}" if kind else f"{where} is none")
        if length > RECORD_BYTES:
            raise UserError(
                f"{where} of {str(file)!r} claims {length} bytes, more than the {RECORD_BYTES} "
                "that are read; write smaller records."
            )
        at += _HEADER.size + length + _FOOTER
        if at > size:
            raise _damaged(file, f"{where} is cut off")
        stream.seek(at)
        index += 1


def _damaged(file: Path, reason: str) -> UserError:
    return UserError(
        f"{str(file)!r} is not a readable TFRecord file ({reason}); write it again, without "
        "compression."
    )
