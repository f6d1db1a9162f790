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
        flag: of the command line; nothing where it has none.
    """

    python: str
    flag: str


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
        >>> by_layer("scheme_for", ["a b"], "w8a16", {"stem": "float32"}).flag
        "--scheme_for='a b=w8a16'"
    """
    merged = json.dumps({**given, **dict.fromkeys(layers, value)}, ensure_ascii=False)
    flags = (f"--{argument}={shlex.quote(f'{layer}={value}')}" for layer in layers)
    return Argument(python=f"{argument}={merged}", flag=" ".join(flags))


def of_model(argument: str, value: str | bool) -> Argument:
    """An argument for the whole model.

    Example:
        >>> of_model("equalize", True)
        Argument(python='equalize=True', flag='--equalize')
        >>> of_model("rounding", "adaround").flag
        '--rounding=adaround'
    """
    if isinstance(value, bool):
        return Argument(python=f"{argument}={value}", flag=f"--{'' if value else 'no'}{argument}")
    return Argument(python=f"{argument}={json.dumps(value)}", flag=f"--{argument}={value}")
