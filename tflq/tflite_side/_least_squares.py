"""Rounding by least squares over the integers.

For each output channel, the codes q and the scale s that minimise

    sum over rows (target - s q . row - bias)^2 + damping * |s q - w|^2,

the targets' mean taken out, for codes have no part in it. That is a quadratic form in the inputs'
covariance, which is all that is kept of the rows. It starts at the best of a few scales,
then in turns moves one weight after another to its best code while the others stay (coordinate
descent, as QuantEase, Behdin et al. 2023, does for language models), and fits the scale to the
codes in closed form. Targets are those of the float network and rows those of the quantized one,
as AdaRound's "asymmetric" reconstruction (Nagel et al. 2020, section 3.4).
"""

import numpy as np

from tflq.tflite_side._layer_problem import Array, LayerProblem, Rounded

_SHARES = np.linspace(0.4, 1.1, 24)
_REFITS = 3
_SWEEPS = 10
# A sweep that moves fewer of the codes than this has converged.
_CONVERGED = 1e-3
_BLOCK = 32


def least_squares(problem: LayerProblem) -> Rounded:
    """Solves one layer; it is deterministic.

    With one scale for the whole tensor, that scale stays.
    """
    form = _Form(problem)
    scale = form.best_scale() if problem.per_channel else problem.scale
    codes = problem.round(form.optimum, scale)
    for _ in range(_REFITS if problem.per_channel else 0):
        codes = form.descend(codes, scale)
        scale = form.fitted(codes, scale)
    return Rounded(codes=form.descend(codes, scale), scale=scale)


class _Form:
    """The quadratic form w' H w - 2 c' w of every channel."""

    def __init__(self, problem: LayerProblem):
        self._problem = problem
        rows = problem.rows
        target = problem.target - problem.target.mean(axis=1, keepdims=True)
        count = np.float32(rows.shape[1])
        hessian = rows.swapaxes(1, 2) @ rows / count
        cross = rows.swapaxes(1, 2) @ target / count
        damping = problem.damping()
        self._hessian = hessian + damping * np.eye(rows.shape[2], dtype=np.float32)
        self._cross = cross + damping * problem.weights
        self._diagonal = np.einsum("gkk->gk", self._hessian)
        solution = np.linalg.solve(self._hessian.astype(np.float64), self._cross.astype(np.float64))
        self.optimum = solution.astype(np.float32)

    def best_scale(self) -> Array:
        """The scale, of a few, at which rounding the optimum to nearest loses least."""
        largest = np.abs(self.optimum).max(axis=1, keepdims=True) / self._problem.highest
        best, least = self._problem.scale, self._lost(self._problem.scale)
        for share in _SHARES:
            scale = np.where(largest > 0, largest * np.float32(share), best)
            lost = self._lost(scale)
            better = lost < least
            best, least = np.where(better, scale, best), np.where(better, lost, least)
        return best

    def fitted(self, codes: Array, scale: Array) -> Array:
        """The scale that suits the codes best; the old one where there is none."""
        reached = np.einsum("gko,gko->go", codes, self._cross)[:, None]
        length = np.einsum("gko,gko->go", codes, self._hessian @ codes)[:, None]
        usable = (reached > 0) & (length > 0)
        return np.where(usable, reached / np.where(usable, length, 1), scale)

    def descend(self, codes: Array, scale: Array) -> Array:
        """Moves one code after another of every channel to its best, until they rest."""
        codes = codes.copy()
        slope = self._hessian @ (codes * scale) - self._cross
        for _ in range(_SWEEPS):
            moved = 0
            for start in range(0, codes.shape[1], _BLOCK):
                moved += self._descend_block(codes, scale, slope, start)
            if moved < _CONVERGED * codes.size:
                break
        return codes

    def _descend_block(self, codes: Array, scale: Array, slope: Array, start: int) -> int:
        """As `descend` for some inputs; what the others see of it follows in one product."""
        block = slice(start, min(start + _BLOCK, codes.shape[1]))
        before = codes[:, block].copy()
        own, hessian = slope[:, block].copy(), self._hessian[:, block, block]
        for i in range(block.stop - block.start):
            old = codes[:, start + i]
            step = own[:, i] / (self._diagonal[:, start + i, None] * scale[:, 0])
            new = np.clip(np.rint(old - step), -self._problem.highest, self._problem.highest)
            own += hessian[:, :, i][:, :, None] * ((new - old) * scale[:, 0])[:, None]
            codes[:, start + i] = new
        change = codes[:, block] - before
        slope += self._hessian[:, :, block] @ (change * scale)
        return int(np.count_nonzero(change))

    def _lost(self, scale: Array) -> Array:
        error = self._problem.round(self.optimum, scale) * scale - self.optimum
        return np.einsum("gko,gko->go", error, self._hessian @ error)[:, None]
