"""What every command does with its result: print it, and write it as JSON."""

from typing import Any

from absl import flags

from tflq._errors import UserError
from tflq._files import check_writable, write_whole

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
