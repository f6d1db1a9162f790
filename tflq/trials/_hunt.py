"""One search: recipes alike for all layers first, then mixtures, as the budget asks."""

from collections.abc import Callable

from tflq._choices import Choices, choose
from tflq._errors import UserError
from tflq._sensitivity import Sensitivity
from tflq.scheme import Scheme, with_weight_bits
from tflq.tflite_side import FLOAT32
from tflq.trials._budget import Budget, Guide
from tflq.trials._maker import Maker
from tflq.trials._strategy import Stages, islands, most_islands, recipes, smaller
from tflq.trials._trial import Trial

_SIXTEEN = "w8a16"


class Hunt:
    """Tries recipes until the budget is met, or nothing more is to be tried.

    Args:
        maker: makes the trials.
        budget: what is allowed.
        reference: the float model's metric.
        guide: larger for better trials; says where to go on.
        rank: ranks the layers under a recipe.

    Attributes:
        note: why layers were not mixed, though the budget asks for it.
    """

    def __init__(
        self,
        maker: Maker,
        budget: Budget,
        reference: float,
        guide: Guide,
        rank: Callable[[Choices], Sensitivity],
    ):
        self._maker, self.budget, self.reference = maker, budget, reference
        self.note = ""
        self.guide, self._rank = guide, rank

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All that were made."""
        return tuple(self._maker.trials)

    def run(self, base: Choices, *, rewritable: bool) -> None:
        """Makes all trials.

        Args:
            base: what all recipes have in common.
            rewritable: whether the model's layers can be equalized.

        Raises:
            UserError: the plain recipe fails: so would all.
        """
        (plain,) = self._maker.make("plain", [base])
        if plain.error:
            raise UserError(f"trial 0, the plain recipe, failed: {plain.error}")
        self._through(recipes(base, plain, self.guide, rewritable=rewritable))
        try:
            self._mix(choose(base).scheme)
        except UserError as error:
            # Layers of some models cannot be ranked, which takes nothing from what was found.
            self.note = f"layers were not mixed: {error}"

    def _mix(self, scheme: Scheme) -> None:
        """What the budget still asks for."""
        if all(self._excess(trial) > 0 for trial in self.trials):
            self._shrink(scheme)
        elif self.budget.max_drop is None and self.budget.max_latency is not None:
            order = self._rank(_unrounded(self._best().choices)).order
            self._through(
                most_islands(self._best().choices, order, lambda trial: not self._missed(trial))
            )
        elif not any(self._is_enough(trial) for trial in self.trials):
            self._widen(scheme)

    def _shrink(self, scheme: Scheme) -> None:
        narrow = with_weight_bits(scheme, 4, per_channel=scheme.per_channel)
        if scheme.weight_bits != 8 or narrow is None:
            return
        best = self._best()
        effects = self._rank({**_unrounded(best.choices), "scheme": narrow}).layers
        self._through(smaller(best, narrow, effects, self._excess))

    def _widen(self, scheme: Scheme) -> None:
        """Islands of more bits: 8-bit weights where there are 4, then float, then 16 bits."""
        best = self._best()
        order = self._rank(_unrounded(best.choices)).order
        wide = None
        if scheme.weight_bits == 4:
            wide = with_weight_bits(scheme, 8, per_channel=scheme.per_channel)
        for name in (wide, FLOAT32):
            if name is None:
                continue
            self._through(islands(best.choices, name, order, self._is_enough))
            if any(self._is_enough(trial) for trial in self.trials):
                break
        self._try_sixteen(best)

    def _try_sixteen(self, best: Trial) -> None:
        """The smallest float islands that were enough, in 16 bits."""
        enough = [
            trial
            for trial in self.trials
            if self._is_enough(trial) and FLOAT32 in _mixed(trial).values()
        ]
        if not enough:
            return
        layers = _mixed(min(enough, key=lambda trial: len(_mixed(trial))))
        kept = _mixed(best)
        sixteen = {name: _SIXTEEN for name in layers if name not in kept}
        self._maker.make(
            f"{_SIXTEEN} islands", [{**best.choices, "scheme_for": {**kept, **sixteen}}]
        )

    def _through(self, stages: Stages) -> None:
        try:
            stage, choices = next(stages)
            while True:
                stage, choices = stages.send(self._maker.make(stage, choices))
        except StopIteration:
            return

    def _best(self) -> Trial:
        return max(self.trials, key=self.guide)

    def _missed(self, trial: Trial) -> dict[str, float]:
        if trial.value is None:
            return {"max_drop": float("inf"), "max_size": float("inf")}
        return self.budget.misses(trial, self.reference, self.trials[0])

    def _is_enough(self, trial: Trial) -> bool:
        return "max_drop" not in self._missed(trial)

    def _excess(self, trial: Trial) -> float:
        return self._missed(trial).get("max_size", 0.0)


def _mixed(trial: Trial) -> dict[str, str]:
    """Schemes of single layers."""
    return dict(trial.choices.get("scheme_for") or {})


def _unrounded(choices: Choices) -> Choices:
    """Ranking needs no learned rounding, which takes longest; biases are corrected all the same."""
    if choices.get("rounding") is None:
        return choices
    kept: Choices = {**choices, "bias_correction": "empirical"}
    del kept["rounding"]
    return kept
