"""What rounding has to solve for one layer."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

# Of the inputs' mean variance. A few thousand rows of a hundred samples tell little of some
# directions: without a pull to the float weights, what is learned there holds for them alone.
_DAMPING = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerProblem:
    """One layer: what it is to compute, and from what (see `_windows` for groups and rows).

    Inputs come less their mean, and the bias is what the float weights make of that mean: bias
    correction keeps it so, whatever the codes.

    Attributes:
        rows: inputs of the layer in the quantized network, less their mean, float32, shape
            (groups, n, k).
        weights: of the float network, float32, shape (groups, k, outputs).
        bias: output at the mean input, float32, shape (groups, 1, outputs).
        target: what the float network computes there, before the activation, float32, shape
            (groups, n, outputs).
        limits: where the activation clips.
        scale: widths of a code, float32, shape (groups, 1, outputs).
        highest: the largest code; the lowest is its negative.
        per_channel: whether each output has a scale of its own.
    """

    rows: Array
    weights: Array
    bias: Array
    target: Array
    limits: tuple[float, float]
    scale: Array
    highest: int
    per_channel: bool

    def damping(self) -> Array:
        """What a squared distance to a float weight counts, beside mean squared errors.

        Returns:
            float32, shape (groups, 1, 1).
        """
        variance = np.square(self.rows).mean(axis=(1, 2), dtype=np.float64)[:, None, None]
        # Inputs that never vary leave the weights to themselves.
        damping: Array = np.maximum(_DAMPING * variance, 1e-12).astype(np.float32)
        return damping

    def round(self, weights: Array, scale: Array) -> Array:
        """Codes that rounding to nearest gives."""
        codes: Array = np.clip(np.rint(weights / scale), -self.highest, self.highest)
        return codes


@dataclass(frozen=True, kw_only=True, eq=False)
class Rounded:
    """A layer's solution: codes as float32 in the shape of the weights, and their scale."""

    codes: Array
    scale: Array
