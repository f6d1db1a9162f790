"""What is tried when: recipes for all layers, then mixtures, as the budget asks."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from test_strategy import effect

from tflq import UserError
from tflq.trials import Hunt, Trial, best_of, make_budget
from tflq.trials._choice_text import key_of

LAYERS = [f"layer {i}" for i in range(20)]


@dataclass
class Made:
    """In place of a `Maker`: files cost and lose what their layers do.

    Each layer loses 0.1 in 8 bits, 1 in 4 bits; 16 bits lose a tenth of 8. A learned rounding
    halves what is lost. A float layer takes longer by a tenth, one of 4 bits is smaller by 10.
    """

    trials: list = field(default_factory=list)
    stages: list = field(default_factory=list)
    failing: str = ""

    def make(self, stage, recipes):
        self.stages.append(stage)
        first = len(self.trials)
        made = [self.trial(first + i, stage, choices) for i, choices in enumerate(recipes)]
        self.trials += made
        return made

    def trial(self, number, stage, choices):
        if stage == self.failing:
            return Trial(number=number, stage=stage, choices=choices, error="no luck")
        base, mixed = choices.get("scheme", "w8a8"), choices.get("scheme_for") or {}
        schemes = [mixed.get(layer, base) for layer in LAYERS]
        lost = {"w4a8": 1.0, "w8a8": 0.1, "w8a16": 0.01, "float32": 0.0}
        loss = sum(lost[name] for name in schemes) / (2 if choices.get("rounding") else 1)
        return Trial(
            number=number,
            stage=stage,
            choices=choices,
            value=100 - loss,
            sqnr_db=30 - loss,
            size=1000 - 10 * schemes.count("w4a8"),
            latency=1 + 0.1 * schemes.count("float32") + 3.0 * ("w8a16" in schemes),
        )


def hunted(base, *, failing="", **bounds):
    maker, ranked = Made(failing=failing), []

    def rank(choices):
        ranked.append(choices)
        layers = [effect(name, 20, 30 - i) for i, name in enumerate(LAYERS)]
        return SimpleNamespace(order=tuple(LAYERS), layers=layers)

    bounds = [bounds.get(name) for name in ("max_drop", "max_latency", "max_size")]
    budget = make_budget(*bounds)
    Hunt(maker, budget, 100.0, lambda t: t.rank, rank).run(base, rewritable=True)
    best, met = best_of(maker.trials, budget, 100.0, lambda t: t.rank)
    return maker, best, met, ranked


def test_recipes_that_are_enough_are_not_mixed():
    maker, best, met, ranked = hunted({}, max_drop=1)
    assert met and not ranked
    assert best.choices["rounding"]
    assert len({key_of(trial.choices) for trial in maker.trials}) == len(maker.trials) == 13


def test_the_fewest_float_islands_that_are_enough():
    maker, best, met, ranked = hunted({}, max_drop=0.72)
    assert met
    assert list(best.choices["scheme_for"]) == LAYERS[:6]
    # Rounding is not learned again to rank layers.
    assert "rounding" not in ranked[0]
    # Sixteen bits instead are tried once, and are slower.
    assert maker.stages[-1] == "w8a16 islands"
    assert set(maker.trials[-1].choices["scheme_for"].values()) == {"w8a16"}


def test_four_bits_give_way_to_eight_before_float():
    maker, best, met, _ = hunted({"scheme": "w4a8"}, max_drop=2)
    assert met
    assert set(best.choices["scheme_for"].values()) == {"w8a8"}
    assert "float32 islands" not in maker.stages


def test_where_eight_bits_are_not_enough_float_is_tried():
    maker, best, met, _ = hunted({"scheme": "w4a8"}, max_drop=0.5)
    assert met
    assert "w8a8 islands" in maker.stages
    assert set(best.choices["scheme_for"].values()) == {"float32"}


def test_as_many_islands_as_time_allows():
    _, best, met, _ = hunted({}, max_latency=1.55)
    assert met
    assert list(best.choices["scheme_for"]) == LAYERS[:5]


def test_time_and_drop_together_may_be_too_much():
    _, _, met, _ = hunted({}, max_latency=1.05, max_drop=0.1)
    assert not met


def test_small_files_have_layers_of_four_bits():
    maker, best, met, ranked = hunted({}, max_size=965)
    assert met
    assert best.size == 960
    # Those that lose least alone, whose SQNR is highest.
    assert list(best.choices["scheme_for"]) == LAYERS[:4]
    assert ranked[0]["scheme"] == "w4a8"
    assert maker.stages[-1] == "4-bit layers"


def test_what_has_four_bits_gets_no_smaller():
    _, best, met, ranked = hunted({"scheme": "w4a8"}, max_size=100)
    assert not met and not ranked
    assert best.size == 800


def test_a_stage_that_fails_is_passed_over():
    maker, best, met, _ = hunted({}, failing="calibrators", max_drop=1)
    assert met
    assert "rounding" in maker.stages
    assert best.choices.get("calibrator") is None


def test_layers_that_cannot_be_ranked_take_nothing_from_what_was_found():
    maker = Made()

    def rank(choices):
        raise UserError("the model keeps state.")

    hunt = Hunt(maker, make_budget(0.1, None, None), 100.0, lambda t: t.rank, rank)
    hunt.run({}, rewritable=True)
    assert hunt.note == "layers were not mixed: the model keeps state."
    assert len(hunt.trials) == 13


def test_where_the_plain_recipe_fails_so_would_all():
    with pytest.raises(UserError, match="trial 0, the plain recipe, failed: no luck"):
        hunted({}, failing="plain", max_drop=1)
