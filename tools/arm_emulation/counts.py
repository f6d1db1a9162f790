"""Counts of executed instructions, by kind."""

from collections import Counter
from collections.abc import Mapping, Sequence

#: All of them; the other kinds are parts of it.
ALL = "instructions"


def parse_counts(report: str) -> dict[str, int]:
    r"""Reads what `count_instructions.c` writes: a line "kind count" each, kinds repeated.

    Raises:
        ValueError: it is something else, for instance cut off.

    Example:
        >>> parse_counts("instructions 90\nsdot 2\nsdot 5\n")
        {'instructions': 90, 'sdot': 7}
    """
    counts: Counter[str] = Counter()
    for line in report.splitlines():
        kind, count = line.split(" ")
        counts[kind] += int(count)
    if ALL not in counts or not report.endswith("\n"):
        raise ValueError(f"the report of instructions is cut off: {report!r}")
    return dict(counts)


def per_inference(
    short: Mapping[str, int], long: Mapping[str, int], added: int
) -> dict[str, float]:
    """What one inference takes: the start of the program cancels in the difference.

    Args:
        short: counts of a run.
        long: counts of the same run with more inferences.
        added: how many more.

    Example:
        >>> per_inference({"instructions": 1000}, {"instructions": 1600}, 3)
        {'instructions': 200.0}
    """
    return {kind: (count - short[kind]) / added for kind, count in long.items()}


def mean_counts(counts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of repeated counts, by kind."""
    return {kind: sum(each[kind] for each in counts) / len(counts) for kind in counts[0]}


def spread(counts: Sequence[Mapping[str, float]]) -> float:
    """How far repeated counts of all instructions lie apart, as a share of their mean."""
    totals = [each[ALL] for each in counts]
    return (max(totals) - min(totals)) / mean_counts(counts)[ALL]
