"""What a file may cost at most, and which of several files is best."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tflq._errors import UserError
from tflq._tables import megabytes
from tflq.trials._trial import Trial

# Larger for more accurate trials.
Guide = Callable[[Trial], tuple[float, ...]]

_UNITS = {"": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Bounds; None where there is none.

    Attributes:
        max_drop: of the metric below the float model's, in its unit.
        max_latency: as a multiple of the plain recipe's.
        max_size: in bytes.
        max_size_ratio: as a multiple of the plain recipe's size.
    """

    max_drop: float | None = None
    max_latency: float | None = None
    max_size: float | None = None
    max_size_ratio: float | None = None

    def misses(self, trial: Trial, reference: float, plain: Trial) -> dict[str, float]:
        """By how much a trial misses each bound that it does not meet.

        Args:
            trial: one that did not fail.
            reference: the float model's metric.
            plain: the trial of the plain recipe.

        Returns:
            By bound, in the metric's unit, in multiples of the plain latency, or in bytes.
        """
        assert trial.value is not None and trial.size is not None
        found = {}
        if self.max_drop is not None:
            found["max_drop"] = (reference - trial.value) - self.max_drop
        if self.max_latency is not None and trial.latency is not None:
            found["max_latency"] = trial.latency - self.max_latency
        if (size := self.bytes_at_most(plain)) is not None:
            found["max_size"] = trial.size - size
        return {name: by for name, by in found.items() if by > 0}

    def bytes_at_most(self, plain: Trial) -> float | None:
        """The bound on size, in bytes."""
        if self.max_size_ratio is not None:
            assert plain.size is not None
            return self.max_size_ratio * plain.size
        return self.max_size

    def __str__(self) -> str:
        """In words."""
        words = []
        if self.max_drop is not None:
            words.append(f"at most {self.max_drop:g} below float")
        if self.max_latency is not None:
            words.append(f"at most {self.max_latency:g}x the plain recipe's time")
        if self.max_size is not None:
            words.append(f"at most {megabytes(int(self.max_size))}")
        if self.max_size_ratio is not None:
            words.append(f"at most {self.max_size_ratio:g}x the plain recipe's size")
        return ", ".join(words)


def make_budget(
    max_drop: float | None, max_latency: float | str | None, max_size: int | str | None
) -> Budget:
    """Checks the bounds of a search.

    Raises:
        UserError: one is malformed or out of range, or there is none.

    Example:
        >>> make_budget(None, "1.1x", "4MB").max_latency
        1.1
    """
    if max_drop is max_latency is max_size is None:
        raise UserError(
            "there is no budget; give max_drop= (--max_drop=0.5), max_latency= "
            "(--max_latency=1.1x) or max_size= (--max_size=4MB)."
        )
    if max_drop is not None and not 0 <= max_drop < float("inf"):
        raise UserError(f"max_drop={max_drop!r} is out of range; give 0 or more.")
    size = ratio = None
    if max_size is not None:
        number, unit = _parsed("max_size", max_size, (*_UNITS, "x"), "4MB, 900kB or 0.8x")
        size, ratio = (None, number) if unit == "x" else (number * _UNITS[unit], None)
    return Budget(
        max_drop=max_drop,
        max_latency=None
        if max_latency is None
        else _parsed("max_latency", max_latency, ("x", ""), "1.1x")[0],
        max_size=size,
        max_size_ratio=ratio,
    )


def best_of(
    trials: Sequence[Trial], budget: Budget, reference: float, guide: Guide
) -> tuple[Trial, bool]:
    """The best trial within the budget, else the nearest; and whether it is within.

    Where the drop is bounded the fastest is best, of equally fast ones the most accurate; else
    the most accurate is.

    Args:
        trials: the first is the plain recipe's.
        budget: what is allowed.
        reference: the float model's metric.
        guide: larger for more accurate trials.
    """
    plain = trials[0]
    good = [trial for trial in trials if trial.value is not None]
    within = [trial for trial in good if not budget.misses(trial, reference, plain)]
    if not within:
        return min(good, key=lambda t: _distance(t, budget, reference, plain)), False
    if budget.max_drop is None:
        return max(within, key=lambda t: (*guide(t), -_time(t))), True
    return max(within, key=lambda t: (-_time(t), *guide(t))), True


def front_of(trials: Sequence[Trial], guide: Guide) -> tuple[Trial, ...]:
    """The trials that no other beats in one of accuracy, time and size without losing in another.

    Of trials that are equal in all three the first stays.

    Args:
        trials: in their order.
        guide: larger for more accurate trials.
    """
    good = [trial for trial in trials if trial.value is not None]
    costs = [(*(-part for part in guide(t)), _time(t), float(t.size or 0)) for t in good]
    return tuple(
        trial
        for place, trial in enumerate(good)
        if not any(
            _beats(other, costs[place], first=spot < place)
            for spot, other in enumerate(costs)
            if spot != place
        )
    )


def _beats(other: tuple[float, ...], own: tuple[float, ...], *, first: bool) -> bool:
    no_worse = other[:-2] <= own[:-2] and other[-2] <= own[-2] and other[-1] <= own[-1]
    return no_worse and (other != own or first)


def _time(trial: Trial) -> float:
    return 1.0 if trial.latency is None else trial.latency


def _distance(
    trial: Trial, budget: Budget, reference: float, plain: Trial
) -> tuple[int, float, float]:
    """How many bounds are missed, by how much in all, each relative to what it allows."""
    misses = budget.misses(trial, reference, plain)
    allowed = {
        "max_drop": budget.max_drop or 1.0,
        "max_latency": budget.max_latency or 1.0,
        "max_size": budget.bytes_at_most(plain) or 1.0,
    }
    by = sum(miss / allowed[name] for name, miss in misses.items())
    return len(misses), by, -(trial.sqnr_db or 0.0)


def _parsed(name: str, value: float | str, units: Sequence[str], example: str) -> tuple[float, str]:
    text = str(value).strip().lower()
    match = re.fullmatch(r"([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*([a-z]*)", text)
    if match is None or match[2] not in units or not 0 < float(match[1]) < float("inf"):
        raise UserError(f"{name}={value!r} is malformed; write it as {example}.")
    return float(match[1]), match[2]
