"""Times the steps of one export."""

import time


class Clock:
    """Adds up the time of each step, in s, in the order in which they first come.

    Attributes:
        laps: seconds by step.
    """

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> float:
        """Adds the time since the last lap to a step, and gives it."""
        now = time.perf_counter()
        since, self._last = now - self._last, now
        self.laps[step] = self.laps.get(step, 0.0) + since
        return since
