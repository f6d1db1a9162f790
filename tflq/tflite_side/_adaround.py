"""AdaRound: learns which weights to round up (Nagel et al. 2020).

Each weight becomes s * clip(floor(w / s) + h(v)) with the rectified sigmoid
h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1) (equation 23), and v minimises

    |f(W x) - f(W^ x^)|^2 + lambda * sum(1 - |2 h(v) - 1|^beta)        (equations 21, 24, 25)

where x^ is what reaches the layer in the quantized network, f the activation, and beta falls so
that every h ends at 0 or 1. Two things are not the paper's: the scale is that of
`_least_squares`, which learns it, and weights are pulled to their float values, as there. Gradients
are written out, so that NumPy suffices.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tflq.tflite_side._layer_problem import Array, LayerProblem, Rounded
from tflq.tflite_side._least_squares import least_squares

_STRETCH, _OFFSET = 1.2, -0.1
_BETA_START, _BETA_END = 20.0, 2.0
# The penalty waits until the errors have fallen.
_WARM_UP = 0.2
_PENALTY = 10.0
_RATE = 0.05
_MOMENTS = 0.9, 0.999
_EPSILON = 1e-8
_STEPS, _BATCH, _SEED = 500, 256, 0


def adaround(problem: LayerProblem) -> Rounded:
    """Learns the codes of one layer; the seed is fixed.

    Where rounding to nearest has the smaller error on all rows, that is what comes back.
    """
    problem = replace(problem, scale=least_squares(problem).scale)
    order = np.random.default_rng(_SEED).permutation(problem.rows.shape[1])
    state = _State(problem)
    rows, target = problem.rows[:, order], problem.target[:, order]
    for step, chosen in enumerate(_batches(len(order))):
        state.descend(rows[:, chosen], target[:, chosen], step)
    nearest = problem.round(problem.weights, problem.scale)
    codes = min(nearest, state.codes(), key=lambda codes: _squared_error(problem, codes))
    return Rounded(codes=codes, scale=problem.scale)


def _squared_error(problem: LayerProblem, codes: Array) -> float:
    """Sum over outputs and mean over rows, after the activation."""
    outputs = problem.rows @ (codes * problem.scale) + problem.bias
    error = np.clip(outputs, *problem.limits) - np.clip(problem.target, *problem.limits)
    return float(np.sum(np.square(error), dtype=np.float64)) / error.shape[1]


class _State:
    """The variables v and Adam's moments of them."""

    def __init__(self, problem: LayerProblem):
        self._problem = problem
        self._damping = problem.damping()
        self._floor = np.floor(problem.weights / problem.scale)
        remainder = np.clip(problem.weights / problem.scale - self._floor, 0.01, 0.99)
        self._v = -np.log(_STRETCH / (remainder - _OFFSET) - 1).astype(np.float32)
        self._first = np.zeros_like(self._v)
        self._second = np.zeros_like(self._v)
        # In these units the errors of a layer that rounds to nearest count one a weight.
        nearest = problem.round(problem.weights, problem.scale)
        self._unit = self._v.size / max(_squared_error(problem, nearest), 1e-30)

    def codes(self) -> Array:
        """Every weight rounded the way it leans."""
        up = _STRETCH * _sigmoid(self._v) + _OFFSET >= 0.5
        highest = self._problem.highest
        codes: Array = np.clip(self._floor + up, -highest, highest)
        return codes

    def descend(self, rows: Array, target: Array, step: int) -> None:
        """One step of Adam on some rows."""
        p = self._problem
        sigmoid = _sigmoid(self._v)
        up = _STRETCH * sigmoid + _OFFSET
        slope = _STRETCH * sigmoid * (1 - sigmoid) * ((up > 0) & (up < 1))
        up = np.clip(up, 0, 1)
        soft = self._floor + up
        inside = (soft >= -p.highest) & (soft <= p.highest)
        weights = np.clip(soft, -p.highest, p.highest) * p.scale
        error = self._error(rows @ weights + p.bias, target)
        gradient = rows.swapaxes(1, 2) @ error / np.float32(rows.shape[1])
        gradient += self._damping * (weights - p.weights)
        gradient *= (2 * self._unit) * inside * p.scale
        gradient -= _push(2 * up - 1, step / _STEPS)
        self._adam(gradient * slope, step + 1)

    def _error(self, outputs: Array, target: Array) -> Array:
        """What is off after the activation, 0 where the activation passes no gradient."""
        low, high = self._problem.limits
        passed = (outputs > low) & (outputs < high)
        return (np.clip(outputs, low, high) - np.clip(target, low, high)) * passed

    def _adam(self, gradient: Array, step: int) -> None:
        one, two = _MOMENTS
        self._first += (1 - one) * (gradient - self._first)
        self._second += (1 - two) * (np.square(gradient) - self._second)
        length = np.sqrt(self._second / (1 - two**step)) + _EPSILON
        self._v -= (_RATE / (1 - one**step)) * self._first / length


def _push(off: Array, progress: float) -> Array | float:
    """Minus the penalty's slope in h, at 2 h - 1 = off."""
    if progress < _WARM_UP:
        return 0.0
    since = (progress - _WARM_UP) / (1 - _WARM_UP)
    beta = _BETA_END + (_BETA_START - _BETA_END) * 0.5 * (1 + np.cos(since * np.pi))
    push: Array = np.sign(off) * np.abs(off) ** np.float32(beta - 1)
    return push * np.float32(_PENALTY * 2 * beta)


def _sigmoid(x: Array) -> Array:
    sigmoid: Array = 1 / (1 + np.exp(-x))
    return sigmoid


def _batches(rows: int) -> Iterator[slice]:
    """Slices of the shuffled rows, round after round."""
    size = min(_BATCH, rows)
    starts = range(0, rows - size + 1, size)
    for step in range(_STEPS):
        start = starts[step % len(starts)]
        yield slice(start, start + size)
