"""From statistics to ranges: one streaming histogram, and calibrators that read it.

histogram = Histogram()
for sample in samples:
    histogram.update(activation(sample))
low, high = get_calibrator("mse")(histogram, bits=8)
"""

# Importing a calibrator registers it; lists show them in this order, from simple to elaborate.
# isort: off
from tflq.ranges import _minmax as _minmax
from tflq.ranges import _moving_average as _moving_average
from tflq.ranges import _percentile as _percentile
from tflq.ranges import _mse as _mse
from tflq.ranges import _kl as _kl

# isort: on
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
