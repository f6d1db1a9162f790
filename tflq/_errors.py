"""The one exception a user can mend."""

from tflq._printable import told


class UserError(ValueError):
    """Something the caller gave cannot be used.

    The message is one sentence a person can act on: it names the argument or the file, says
    what came, what was expected and what to do. The command line prints it without a traceback
    and exits with code 2; any other exception is a defect of tflq.

    Example:
        >>> raise UserError("scheme='w9' is unknown; choose one of: w8a8, w8.")
        Traceback (most recent call last):
        ...
        tflq._errors.UserError: scheme='w9' is unknown; choose one of: w8a8, w8.
    """

    def __init__(self, message: str):
        # Names from files stand in messages, and messages of libraries that repeat them.
        super().__init__(told(message))


class ConversionError(RuntimeError):
    """A file does not compute what it was made from; nothing was written.

    This is not the user's mistake: the command line prints it and exits with code 1.
    """

    def __init__(self, message: str):
        super().__init__(told(message))
