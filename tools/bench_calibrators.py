"""Prints how long calibrators and histogram updates take.

    python tools/bench_calibrators.py

Calibrators read histograms of three kinds of activations at 8 bits; times are medians.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from tflq.ranges import Histogram, calibrators, get_calibrator

_SAMPLES, _SHAPE = 20, (1, 28, 28, 64)

Draw = Callable[[np.random.Generator], np.ndarray]

_ACTIVATIONS: dict[str, Draw] = {
    "ReLU6, spikes at 0 and 6": lambda rng: np.clip(rng.normal(1, 3, _SHAPE), 0, 6),
    "Gaussian, two-sided": lambda rng: rng.normal(0, 1, _SHAPE),
    "heavy-tailed, two-sided": lambda rng: rng.standard_t(3, _SHAPE),
}

_UPDATES = ((1, 10), (1, 1, 1, 1280), (1, 14, 14, 192), (1, 112, 112, 96))


def main() -> None:
    """Runs the benchmark."""
    for line in (*_calibration_lines(), "", *_update_lines()):
        print(line)


def _calibration_lines() -> Iterator[str]:
    yield f"{'calibrator (ms)':16}" + "".join(f"{name:>28}" for name in _ACTIVATIONS)
    histograms = [_histogram(draw) for draw in _ACTIVATIONS.values()]
    for name in calibrators():
        times = [_median(_calibration(name, histogram), 30) for histogram in histograms]
        yield f"{name:16}" + "".join(f"{1e3 * seconds:28.2f}" for seconds in times)


def _update_lines() -> Iterator[str]:
    yield f"{'update (us)':28}{'histogram':>12}{'of it min, max':>16}"
    rng = np.random.default_rng(0)
    for shape in _UPDATES:
        x = np.clip(rng.normal(1, 3, shape), 0, 6).astype(np.float32)
        whole, extremes = _median(_update(x), 200), _median(_extremes(x), 200)
        yield f"{shape!s:28}{1e6 * whole:12.1f}{1e6 * extremes:16.1f}"


def _histogram(draw: Draw) -> Histogram:
    rng, histogram = np.random.default_rng(0), Histogram()
    for _ in range(_SAMPLES):
        histogram.update(draw(rng).astype(np.float32))
    return histogram


def _calibration(name: str, histogram: Histogram) -> Callable[[], object]:
    calibrator = get_calibrator(name)
    return lambda: calibrator(histogram, bits=8)


def _update(x: np.ndarray) -> Callable[[], object]:
    histogram = Histogram()
    return lambda: histogram.update(x)


def _extremes(x: np.ndarray) -> Callable[[], object]:
    return lambda: (x.min(), x.max())


def _median(action: Callable[[], object], repeats: int) -> float:
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
