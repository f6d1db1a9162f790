"""What is wrong with a file that somebody else made, in words."""

import reprlib

_LONGEST = 80


class DamagedError(Exception):
    """A file breaks a rule of its format, or a limit; the text is the end of a sentence."""


def shown(value: object) -> str:
    """A name, or whatever stands in its place, as a sentence can hold it.

    Example:
        >>> shown("Dense"), len(shown("a" * 1000))
        ("'Dense'", 83)
    """
    if not isinstance(value, str):
        return reprlib.repr(value)
    return repr(value if len(value) <= _LONGEST else value[:_LONGEST] + "…")


def mebibytes(size: int) -> str:
    """A number of bytes as a person reads it.

    Example:
        >>> mebibytes(3 * 2**20)
        '3 MB'
    """
    return f"{max(1, round(size / 2**20)):,} MB"
