"""What latencies say: their middle, their tail, how sure that is, and whether two differ.

Latencies of one process are not independent: clocks, caches and other processes move all of them
for a while. So they come in rounds, the rounds of all that is compared are interleaved, and
confidence intervals resample rounds first and latencies within a round second (a hierarchical
bootstrap). What drifts for all drifts out of a ratio taken round by round. Intervals of so few
rounds come out too narrow, so they are widened as Student's t is wider than the normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2000
# Of the normal distribution: 95 % lie within.
_NORMAL = 1.96
# Of one round, so that resampling stays quick; evenly spaced, so that the distribution is kept.
_KEPT = 200
# The share by which the last third of the rounds has to be slower than the first to be suspicious.
_SLOWER = 0.1
_FEWEST_ROUNDS = 3

Rounds = Sequence[Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Latencies of one inference, in ms.

    Attributes:
        count: how many were measured.
        mean, sd: mean and standard deviation.
        p50, p90, p99: percentiles; p50 is the median.
        low, high: 95 % confidence interval of the median.
        rounds: the median of every round.
    """

    count: int
    mean: float
    sd: float
    p50: float
    p90: float
    p99: float
    low: float
    high: float
    rounds: tuple[float, ...]

    @property
    def slowed(self) -> bool:
        """Whether it got slower while it was measured, as a phone does that is too hot.

        The last third of the rounds has to be a tenth slower than the first, and every round of
        it slower than every one of the first.
        """
        third = len(self.rounds) // 3
        if not third:
            return False
        first, last = self.rounds[:third], self.rounds[-third:]
        grown = np.median(last) > (1 + _SLOWER) * np.median(first)
        return bool(grown) and min(last) > max(first)


@dataclass(frozen=True, kw_only=True)
class SpeedUp:
    """How many times faster one is than another.

    Attributes:
        ratio: median latency of the other by that of the one.
        low, high: its 95 % confidence interval.
        verdict: "faster" or "slower" where the interval lies on one side of 1, else "no
            difference shown"; "too few rounds" with less than three, which cannot tell.
    """

    ratio: float
    low: float
    high: float
    verdict: str


def summarize(rounds: Rounds, *, seed: int = 0) -> Latency:
    """Sums up the latencies of one model.

    Args:
        rounds: latencies in ms, round by round; none is empty.
        seed: of the bootstrap.

    Example:
        >>> latency = summarize([[1.0, 2.0, 3.0], [2.0, 2.0, 2.0]])
        >>> latency.p50, latency.count, latency.rounds
        (2.0, 6, (2.0, 2.0))
    """
    everything = np.concatenate([np.asarray(r, np.float64) for r in rounds])
    p50, p90, p99 = np.percentile(everything, (50, 90, 99))
    medians = np.median(_resampled(rounds, np.random.default_rng(seed)), axis=1)
    low, high = _interval(medians, float(p50), len(rounds))
    return Latency(
        count=everything.size,
        mean=float(everything.mean()),
        sd=float(everything.std(ddof=1)) if everything.size > 1 else 0.0,
        p50=float(p50),
        p90=float(p90),
        p99=float(p99),
        low=low,
        high=high,
        rounds=tuple(float(np.median(r)) for r in rounds),
    )


def speed_up(candidate: Rounds, baseline: Rounds, *, seed: int = 0) -> SpeedUp:
    """Compares two that were measured in the same rounds, one after the other.

    Args:
        candidate: latencies in ms, round by round.
        baseline: likewise, of as many rounds.
        seed: of the bootstrap.

    Example:
        >>> fast, slow = [[1.0, 1.1], [1.0, 1.2], [1.1, 1.0]], [[2.0, 2.2], [2.1, 2.0], [2.2, 2.1]]
        >>> found = speed_up(fast, slow)
        >>> found.verdict, round(found.ratio, 2)
        ('faster', 1.97)
    """
    ratios = [np.median(b) / np.median(a) for a, b in zip(candidate, baseline, strict=True)]
    ratio = float(np.mean(np.log(ratios)))
    # The same rounds for both, so that what drifts for both cancels.
    picks = np.random.default_rng(seed).integers(len(ratios), size=(_RESAMPLES, len(ratios)))
    inner = [
        _round_medians(rounds, np.random.default_rng(seed + 1 + place))
        for place, rounds in enumerate((candidate, baseline))
    ]
    logs = np.log(inner[1]) - np.log(inner[0])
    means = np.take_along_axis(logs, picks, axis=1).mean(axis=1)
    ratio, low, high = np.exp([ratio, *_interval(means, ratio, len(ratios))]).tolist()
    verdict = "no difference shown"
    if len(ratios) < _FEWEST_ROUNDS:
        verdict = "too few rounds"
    elif low > 1:
        verdict = "faster"
    elif high < 1:
        verdict = "slower"
    return SpeedUp(ratio=ratio, low=low, high=high, verdict=verdict)


def _interval(resampled: np.ndarray, point: float, rounds: int) -> tuple[float, float]:
    """The interval that holds 95 % of resampled values, widened for few rounds."""
    low, high = np.percentile(resampled, (2.5, 97.5))
    wider = _widening(rounds)
    return point - wider * max(point - float(low), 0.0), point + wider * max(
        float(high) - point, 0.0
    )


def _widening(rounds: int) -> float:
    """Student's t by the normal's 1.96, and n by n - 1 under the root.

    The quantile of t is Fisher's expansion of it in 1 / degrees of freedom.
    """
    freedom = max(rounds - 1, 1)
    quantile = _NORMAL + 2.372 / freedom + 2.823 / freedom**2
    return quantile / _NORMAL * np.sqrt(rounds / freedom)


def _resampled(rounds: Rounds, rng: np.random.Generator) -> np.ndarray:
    """Rounds drawn with replacement, and latencies within each; one resample a row."""
    kept = [_thinned(values) for values in rounds]
    picks = rng.integers(len(kept), size=(_RESAMPLES, len(kept)))
    width = max(values.size for values in kept)
    table = np.stack([rng.choice(values, (_RESAMPLES, width)) for values in kept], axis=1)
    return np.take_along_axis(table, picks[:, :, None], axis=1).reshape(_RESAMPLES, -1)


def _round_medians(rounds: Rounds, rng: np.random.Generator) -> np.ndarray:
    """Medians of resampled rounds, shape (resamples, rounds)."""
    kept = [_thinned(values) for values in rounds]
    return np.stack([np.median(rng.choice(v, (_RESAMPLES, v.size)), axis=1) for v in kept], axis=1)


def _thinned(values: Sequence[float]) -> np.ndarray:
    ordered = np.sort(np.asarray(values, np.float64))
    if ordered.size <= _KEPT:
        return ordered
    return ordered[np.linspace(0, ordered.size - 1, _KEPT).round().astype(int)]
