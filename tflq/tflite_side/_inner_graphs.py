"""Which subgraphs an op runs: the bodies of loops, branches and calls."""

from collections.abc import Callable
from typing import Any


def inner_graphs(operator: Any) -> list[int]:
    """Numbers of the subgraphs that an op runs."""
    found: list[int] = []

    def note(number: int) -> int:
        found.append(number)
        return number

    renumber(operator, note)
    return [number for number in found if number >= 0]


def renumber(operator: Any, moved: Callable[[int], int]) -> None:
    """Replaces the numbers of subgraphs in an op's options, whichever op it is, in place."""
    for options in (operator.builtinOptions, getattr(operator, "builtinOptions2", None)):
        for field, value in vars(options).items() if options is not None else ():
            if field.lower().endswith("subgraphindex") or field == "subgraph":
                setattr(options, field, moved(int(value)))
            elif field.lower().endswith("subgraphindices") and value is not None:
                setattr(options, field, [moved(int(number)) for number in value])
