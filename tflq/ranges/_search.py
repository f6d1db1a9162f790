"""Coarse-to-fine search of the ends of a range."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Coarse: from the extremes down to about a bin. Fine: around the best, ever closer.
_COARSE = 0.4 ** np.arange(8)
_FINE = tuple(1 + radius * np.linspace(-1, 1, 8) for radius in (0.5, 0.12, 0.03, 0.008))

# So few candidates at once that a cost's arrays fit into the cache.
_BLOCK = 16


def search(
    cost: Callable[[Floats, Floats], Floats], low: float, high: float
) -> tuple[float, float]:
    """The range within [low, high] that costs least.

    Both ends are searched together on a coarse grid, then in turns on finer ones.

    Args:
        cost: gives the costs of K ranges from their lower and their upper ends, each of
            shape (K,).
        low: the full range's lower end, at most 0.
        high: the full range's upper end, at least 0.

    Returns:
        The best range found; the full one unless another costs less.

    Example:
        >>> low, high = search(lambda low, high: (low + 1) ** 2 + (high - 2) ** 2, -10.0, 10.0)
        >>> round(low, 1), round(high, 1)
        (-1.0, 2.0)
    """
    full = np.array([low, high])
    best, least = full, cost(full[:1], full[1:])[0]

    def consider(ends: Floats) -> None:
        """Takes the best of K ranges, shape (K, 2), if it is better than all before."""
        nonlocal best, least
        for block in np.array_split(np.clip(ends, low, high), -(-len(ends) // _BLOCK)):
            costs = cost(block[:, 0], block[:, 1])
            winner = int(np.argmin(costs))
            if costs[winner] < least:
                best, least = block[winner], costs[winner]

    free = [side for side in (0, 1) if full[side] != 0.0]
    lows, highs = (end * _COARSE if end else np.zeros(1) for end in full)
    consider(np.stack(np.meshgrid(lows, highs), axis=-1).reshape(-1, 2))
    for factors in _FINE:
        for side in free:
            consider(_moved(best, side, factors * best[side]))
    return float(best[0]), float(best[1])


def _moved(ends: Floats, side: int, places: Floats) -> Floats:
    """K copies of a range with one end moved to each of K places."""
    moved = np.tile(ends, (places.size, 1))
    moved[:, side] = places
    return moved
