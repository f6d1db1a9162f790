"""Which recipes are tried, from cheap to dear.

Not all combinations: the best of each stage is what the next one varies. Corrections and
equalization come first, for they change most; then what calibrates activations, then how weights
are rounded, which takes longest. With the plain recipe, 13 or 14 of 60 combinations.
"""

from collections.abc import Callable, Generator, Sequence

from tflq._choices import DEFAULT_CALIBRATOR, Choices
from tflq._fidelity import noise_share
from tflq._layer_effects import LayerEffect
from tflq.ranges import calibrators
from tflq.tflite_side import FLOAT32, ROUNDINGS
from tflq.trials._budget import Guide
from tflq.trials._trial import Trial

# Yields a stage's name and its recipes, is sent their trials.
Stages = Generator[tuple[str, list[Choices]], list[Trial], None]

# All calibrators, without equalization, with it, and with absorption, without correction and with
# it, each rounded to nearest; and rounded in each other way, which corrects biases anyway.
_EQUALIZATIONS, _CORRECTIONS = 3, 2


def combinations(*, rewritable: bool) -> int:
    """How many recipes there would be to try."""
    roundings = _CORRECTIONS + len(ROUNDINGS)
    return len(calibrators()) * (_EQUALIZATIONS if rewritable else 1) * roundings


def recipes(base: Choices, plain: Trial, guide: Guide, *, rewritable: bool) -> Stages:
    """Recipes that treat all layers alike.

    Args:
        base: what all have in common.
        plain: the trial of just that.
        guide: larger for better trials.
        rewritable: whether the model's layers can be equalized.
    """
    corrected: Choices = {**base, "bias_correction": "empirical"}
    found: list[Choices] = [corrected]
    if rewritable:
        found += [
            {**base, "equalize": True},
            {**corrected, "equalize": True},
            {**corrected, "equalize": True, "absorb_bias": True},
        ]
    made = [plain, *(yield "corrections", found)]
    best = max(made, key=guide).choices
    others = [name for name in calibrators() if name != DEFAULT_CALIBRATOR]
    made = made + (yield "calibrators", [{**best, "calibrator": name} for name in others])
    best = max(made, key=guide).choices
    rounded: list[Choices] = [{**best, "rounding": name} for name in ROUNDINGS]
    made = made + (yield "rounding", rounded)
    # What equalization and calibrators are worth may change where weights are rounded well.
    best = max(made, key=guide).choices
    again = _other_equalizations(best) if rewritable else []
    if best.get("calibrator", DEFAULT_CALIBRATOR) != DEFAULT_CALIBRATOR:
        again.append({**best, "calibrator": DEFAULT_CALIBRATOR})
    if again:
        yield "once more", again


def _other_equalizations(choices: Choices) -> list[Choices]:
    plain: Choices = {**choices}
    plain.pop("equalize", None)
    plain.pop("absorb_bias", None)
    ways: list[Choices] = [
        plain,
        {**plain, "equalize": True},
        {**plain, "equalize": True, "absorb_bias": True},
    ]
    return [way for way in ways if way != choices]


def islands(
    best: Choices, scheme: str, order: Sequence[str], is_enough: Callable[[Trial], bool]
) -> Stages:
    """Fewest layers in another scheme with which a trial is good enough, by bisection.

    Args:
        best: the recipe to start from.
        scheme: of the layers, "float32" or one with more bits.
        order: names of layers, those first that bring most.
        is_enough: whether a trial needs no more of them.
    """
    low, high, count = 0, None, 1
    while high is None or high - low > 1:
        (trial,) = yield f"{scheme} islands", [_with_layers(best, order[:count], scheme)]
        if is_enough(trial):
            high = count
        elif count == len(order):
            return
        else:
            low = count
        count = min(2 * count, len(order)) if high is None else (low + high) // 2


def most_islands(
    best: Choices, order: Sequence[str], is_allowed: Callable[[Trial], bool]
) -> Stages:
    """Most float layers with which a trial is still allowed, by bisection."""
    low, high, count = 0, len(order) + 1, 1
    while high - low > 1:
        (trial,) = yield "float32 islands", [_with_layers(best, order[:count], FLOAT32)]
        if is_allowed(trial):
            low = count
        else:
            high = count
        count = min(2 * count, len(order)) if high > len(order) else (low + high) // 2


def smaller(
    best: Trial,
    scheme: str,
    effects: Sequence[LayerEffect],
    excess: Callable[[Trial], float],
) -> Stages:
    """Layers in 4 bits, those first that cost least a byte, until a file is small enough.

    Args:
        best: the trial to start from, 8 bits all over.
        scheme: of 4 bits.
        effects: of the layers, each alone in 4 bits.
        excess: by how many bytes a trial's file is too large.
    """
    order = sorted((e for e in effects if e.parameters), key=_noise_by_byte)
    chosen: list[str] = []
    trial = best
    while (left := excess(trial)) > 0 and order:
        while left > 0 and order:
            effect = order.pop(0)
            chosen.append(effect.layer)
            left -= effect.parameters / 2
        (trial,) = yield "4-bit layers", [_with_layers(best.choices, chosen, scheme)]
        if trial.value is None:
            return


def _noise_by_byte(effect: LayerEffect) -> float:
    sqnr = effect.sqnr_db if effect.weights_sqnr_db is None else effect.weights_sqnr_db
    return noise_share(sqnr) / effect.parameters


def _with_layers(choices: Choices, layers: Sequence[str], scheme: str) -> Choices:
    others = dict.fromkeys(layers, scheme)
    return {**choices, "scheme_for": {**(choices.get("scheme_for") or {}), **others}}
