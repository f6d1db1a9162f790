"""What every command does with its result: print it, and write it as JSON."""

import io
import logging
import sys
import traceback
import warnings
from types import TracebackType
from typing import Any

from absl import flags

from tflq._errors import UserError
from tflq._files import check_writable, write_whole
from tflq._printable import told

# Flags of files that a command writes beside its main output.
_OUTPUTS = ("json", "csv", "picture")


def add_json_flag(values: flags.FlagValues) -> None:
    """Defines `--json`."""
    flags.DEFINE_string("json", None, "also write the result to this file", flag_values=values)


def check_outputs(values: flags.FlagValues) -> None:
    """Refuses outputs that could not be written, before the work that leads to them.

    Raises:
        UserError: see `check_writable`.
    """
    for name in _OUTPUTS:
        if name in values and values[name].value:
            check_writable(values[name].value)


def show(result: Any, values: flags.FlagValues) -> None:
    """Prints the tables of a result and writes `--json`."""
    print(result)
    if values.json:
        write_whole(values.json, result.to_json().encode())


def positionals(given: list[str], names: str) -> list[str]:
    """Checks the number of arguments that are not flags.

    Raises:
        UserError: too few or too many; `names` says what is expected.
    """
    if len(given) != len(names.split()):
        raise UserError(f"expected {names}, {len(given)} came ({' '.join(given) or 'nothing'}).")
    return given


def guard_terminal() -> None:
    """Lets warnings, logs and tracebacks, which repeat names from files, print as text only.

    What a terminal's encoding lacks is shown as an escape, too, in place of a traceback.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.excepthook = _failed
    warnings.formatwarning = _warning
    logging.setLogRecordFactory(_record)


def _failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    print(_lines("".join(traceback.format_exception(kind, error, trace))), file=sys.stderr)


def _lines(text: str) -> str:
    return "\n".join(map(told, text.rstrip("\n").split("\n")))


def _warning(message: Warning | str, *details: Any, **_: Any) -> str:
    category: type[Warning] = details[0]
    return f"{category.__name__}: {told(str(message))}\n"


def _record(*details: Any, **named: Any) -> logging.LogRecord:
    record = logging.LogRecord(*details, **named)
    record.msg, record.args = _lines(record.getMessage()), None
    return record
