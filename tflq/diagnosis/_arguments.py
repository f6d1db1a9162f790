"""Arguments of an export, as code and as flags."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Argument:
    """Something to try.

    Attributes:
        python: as it is given to `tflq.export`, or a whole call of another function.
        flags: of the command line; none where it has none.
    """

    python: str
    flags: tuple[str, ...]


def by_layer(
    argument: str, layers: Sequence[str], value: str, given: Mapping[str, str]
) -> Argument:
    """`scheme_for` or `calibrator_for` of some layers.

    Args:
        argument: its name.
        layers: the layers' own names.
        value: for each of them.
        given: what the argument holds already; flags may be given again, the argument may not.

    Example:
        >>> by_layer("scheme_for", ["stem"], "float32", {}).python
        'scheme_for={"stem": "float32"}'
        >>> by_layer("scheme_for", ["a b"], "w8a16", {"stem": "float32"}).flags
        ("--scheme_for='a b=w8a16'",)
    """
    merged = json.dumps({**given, **dict.fromkeys(layers, value)}, ensure_ascii=False)
    flags = (f"--{argument}={shlex.quote(f'{layer}={value}')}" for layer in layers)
    return Argument(python=f"{argument}={merged}", flags=tuple(flags))


def of_model(argument: str, value: str | None = None) -> Argument:
    """An argument for the whole model; one without a value is switched on.

    Example:
        >>> of_model("equalize")
        Argument(python='equalize=True', flags=('--equalize',))
        >>> of_model("rounding", "adaround").python
        'rounding="adaround"'
    """
    if value is None:
        return Argument(python=f"{argument}=True", flags=(f"--{argument}",))
    return Argument(python=f"{argument}={json.dumps(value)}", flags=(f"--{argument}={value}",))
