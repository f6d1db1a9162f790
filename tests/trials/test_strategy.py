"""Which recipes are tried."""

from hypothesis import given
from hypothesis import strategies as st

from tflq._layer_effects import LayerEffect
from tflq.trials._strategy import combinations, islands, most_islands, recipes, smaller
from tflq.trials._trial import Trial


def play(stages, quality):
    """All trials of a plan, whose values `quality` gives."""
    made = []
    try:
        stage, choices = next(stages)
        while True:
            trials = [
                Trial(number=len(made) + i, stage=stage, choices=c, value=quality(c), sqnr_db=0.0)
                for i, c in enumerate(choices)
            ]
            made += trials
            stage, choices = stages.send(trials)
    except StopIteration:
        return made


def layers_of(trial):
    return len(trial.choices.get("scheme_for") or {})


def found_by(quality, *, rewritable=True):
    plain = Trial(number=0, stage="plain", value=quality({}), sqnr_db=0.0)
    stages = recipes({}, plain, lambda trial: trial.rank, rewritable=rewritable)
    return [plain, *play(stages, quality)]


def test_a_quarter_of_all_is_enough_where_methods_add_up():
    worth = {"bias_correction": 3, "equalize": 2, "absorb_bias": -1, "kl": 1, "adaround": 5}

    def quality(choices):
        words = [*choices, *(v for v in choices.values() if isinstance(v, str))]
        return float(sum(worth.get(word, 0) for word in words))

    made = found_by(quality)
    best = max(made, key=lambda trial: trial.rank).choices
    assert best["calibrator"] == "kl" and best["rounding"] == "adaround" and best["equalize"]
    assert "absorb_bias" not in best
    assert 4 * len(made) <= combinations(rewritable=True) == 60
    keys = [str(sorted(trial.choices.items())) for trial in made]
    assert len(set(keys)) == len(keys)


def test_equalization_that_helps_only_rounded_weights_is_found():
    def quality(choices):
        rounded = choices.get("rounding") == "least_squares"
        return 4.0 * rounded + (1 if rounded else -1) * bool(choices.get("equalize"))

    best = max(found_by(quality), key=lambda trial: trial.rank).choices
    assert best["equalize"] and best["rounding"] == "least_squares"


def test_what_cannot_be_equalized_is_not():
    made = found_by(lambda choices: 0.0, rewritable=False)
    assert not any("equalize" in trial.choices for trial in made)
    assert combinations(rewritable=False) == 20


@given(st.integers(1, 70), st.integers(1, 80))
def test_islands_are_the_fewest_layers_that_are_enough(count, needed):
    order = [f"layer {i}" for i in range(count)]
    stages = islands({}, "float32", order, lambda trial: layers_of(trial) >= needed)
    made = [layers_of(trial) for trial in play(stages, lambda choices: 0.0)]
    assert len(made) <= 2 * count.bit_length() + 1
    assert len(set(made)) == len(made)
    if needed <= count:
        assert needed in made and (needed == 1 or needed - 1 in made)
    else:
        assert max(made) == count


@given(st.integers(1, 70), st.integers(0, 80))
def test_most_islands_are_the_most_layers_that_are_allowed(count, allowed):
    order = [f"layer {i}" for i in range(count)]
    stages = most_islands({}, order, lambda trial: layers_of(trial) <= allowed)
    made = [layers_of(trial) for trial in play(stages, lambda choices: 0.0)]
    assert len(made) <= 2 * count.bit_length() + 1
    if allowed:
        assert min(allowed, count) in made


def effect(name, parameters, weights_sqnr_db):
    return LayerEffect(
        layer=name,
        kind="CONV_2D",
        op=0,
        tensor=0,
        sqnr_db=weights_sqnr_db,
        weights_sqnr_db=weights_sqnr_db,
        parameters=parameters,
        value=0.0,
    )


def test_layers_get_smaller_that_cost_least_a_byte():
    effects = [effect("fine", 100, 40), effect("large", 1000, 40), effect("bad", 1000, 10)]
    start = Trial(number=0, stage="x", value=0.0)
    sizes = {"fine": 50, "large": 450, "bad": 500}

    def excess(trial):
        return 470 - sum(sizes[name] for name in trial.choices.get("scheme_for") or {})

    made = play(smaller(start, "w4a8", effects, excess), lambda choices: 0.0)
    # 500 bytes were expected of the large one, 450 came: the next goes too.
    assert [list(trial.choices["scheme_for"]) for trial in made] == [["large"], ["large", "fine"]]
