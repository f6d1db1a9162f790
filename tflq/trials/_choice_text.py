"""A recipe as what a user would write."""

import json
import shlex
from collections.abc import Mapping

from tflq._choices import DEFAULT_CALIBRATOR, Choices

# In the order in which they are said.
_WORDS = {
    "equalize": "CLE",
    "absorb_bias": "absorb",
    "bias_correction": "correct",
    "rounding": "",
}
_ROUNDINGS = {"least_squares": "least squares", "adaround": "AdaRound"}


def key_of(choices: Choices) -> str:
    """Tells recipes apart."""
    return json.dumps(choices, sort_keys=True, default=dict)


def in_words(choices: Choices) -> str:
    """A few words for tables, such as `kl, CLE, AdaRound, 3 layers float32`."""
    words = [choices.get("calibrator", DEFAULT_CALIBRATOR)]
    words += [word for name, word in _WORDS.items() if word and choices.get(name)]
    rounding = choices.get("rounding") or "nearest"
    if rounding != "nearest":
        words.append(_ROUNDINGS[rounding])
    schemes = list((choices.get("scheme_for") or {}).values())
    words += [f"{schemes.count(name)} layers {name}" for name in dict.fromkeys(schemes)]
    return ", ".join(words)


def as_flags(choices: Choices) -> list[str]:
    """The flags of `tflq export` that choose the same."""
    flags = []
    for name, value in choices.items():
        if value is None or value is False:
            continue
        if value is True:
            flags.append(f"--{name}")
        elif isinstance(value, Mapping):
            flags += [f"--{name}={pattern}={chosen}" for pattern, chosen in value.items()]
        elif isinstance(value, tuple):
            flags.append(f"--{name}={','.join(map(str, value))}")
        else:
            flags.append(f"--{name}={value}")
    return flags


def as_command(model: str, data_flags: list[str], choices: Choices) -> str:
    """The command line that makes the same file again."""
    words = ["tflq", "export", model, "model.tflite", *data_flags, *as_flags(choices)]
    return shlex.join(words)


def as_python(choices: Choices) -> str:
    """The call that makes the same file again."""
    given = "".join(
        f", {name}={value!r}" for name, value in choices.items() if value not in (None, False)
    )
    return f'tflq.export(model, "model.tflite", data=data{given})'
