"""Equation (11): the range with the least squared quantization error."""

from tflq.ranges._cells import full_range
from tflq.ranges._histogram import Histogram
from tflq.ranges._registry import register_calibrator
from tflq.ranges._search import search
from tflq.ranges._squared_error import SquaredError


@register_calibrator("mse")
def mse(histogram: Histogram, *, bits: int) -> tuple[float, float]:
    """Minimises the squared difference between the values and what is left of them.

    Both ends of a two-sided tensor are searched. A lone outlier is kept where clipping it would
    cost more than the coarser scale costs all other values.

    Example:
        >>> import numpy as np
        >>> histogram = Histogram()
        >>> histogram.update(np.random.default_rng(0).laplace(size=10_000))
        >>> low, high = mse(histogram, bits=4)
        >>> -6 < low < -4 < 4 < high < 6
        True
    """
    return search(SquaredError(histogram, bits), *full_range(histogram))
