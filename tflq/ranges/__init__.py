"""From statistics to ranges: one streaming histogram, and calibrators that read it.

histogram = Histogram()
for sample in samples:
    histogram.update(activation(sample))
low, high = get_calibrator("mse")(histogram, bits=8)
"""

# Importing a calibrator registers it.
from tflq.ranges import _kl, _minmax, _moving_average, _mse, _percentile  # noqa: F401
from tflq.ranges._histogram import Histogram, NotFiniteError
from tflq.ranges._registry import calibrators, get_calibrator, register_calibrator
from tflq.ranges._weights import WEIGHT_METHODS, weight_bounds

__all__ = [
    "WEIGHT_METHODS",
    "Histogram",
    "NotFiniteError",
    "calibrators",
    "get_calibrator",
    "register_calibrator",
    "weight_bounds",
]
