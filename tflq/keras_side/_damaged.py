"""What is wrong with a file that somebody else made."""


class DamagedError(Exception):
    """A file breaks a rule of its format, or a limit; the text is the end of a sentence."""


def mebibytes(size: int) -> str:
    """A number of bytes as a person reads it.

    Example:
        >>> mebibytes(3 * 2**20)
        '3 MB'
    """
    return f"{max(1, round(size / 2**20)):,} MB"
