import networks
import pytest

import tflq
from tflq import UserError
from tflq._methods import RECIPES, Methods, make_methods

NOTHING = {
    "recipe": None,
    "equalize": None,
    "absorb_bias": None,
    "bias_correction": None,
    "rounding": None,
}


def test_nothing_asked_is_nothing_done():
    methods = make_methods(**NOTHING)
    assert methods == Methods() and not methods.any


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_stands_for_all_methods(name):
    assert make_methods(**NOTHING | {"recipe": name}) is RECIPES[name]


def test_only_best_drops_steps_and_only_data_free_needs_no_samples():
    assert [name for name, m in RECIPES.items() if m.selective] == ["best"]
    assert [name for name, m in RECIPES.items() if not m.need_samples] == ["data-free"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"recipe": "good"}, "recipe='good' is unknown; choose one of: fast, best, data-free"),
        ({"recipe": "best", "equalize": False}, "equalize=False came beside recipe='best'"),
        ({"bias_correction": "both"}, "bias_correction='both' is unknown; choose one of: empir"),
        ({"rounding": "up"}, "rounding='up' is unknown; choose one of: nearest, "),
        (
            {"bias_correction": "analytic", "rounding": "adaround"},
            "rounding='adaround' learns from data",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(given, message):
    with pytest.raises(UserError, match=message):
        make_methods(**NOTHING | given)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"rounding": "adaround"}, "rounding='adaround' learns from samples; give data="),
        ({"bias_correction": "empirical"}, "bias_correction='empirical' learns from samples"),
        ({"recipe": "best"}, "choose recipe='data-free'"),
        ({"equalize": True}, "scheme='w8a8' needs a representative dataset"),
    ],
)
def test_methods_that_learn_need_data(choices, message, small_cnn, tmp_path):
    with pytest.raises(UserError, match=message):
        tflq.export(small_cnn[0], tmp_path / "m.tflite", **choices)


@pytest.mark.parametrize(
    ("choices", "names"),
    [
        ({"equalize": True}, "needed for equalize, and"),
        ({"absorb_bias": True, "equalize": True}, "needed for equalize, absorb_bias, and"),
        ({"bias_correction": "analytic"}, "needed for bias_correction='analytic', and"),
        ({"recipe": "best"}, "needed for equalize, absorb_bias, and"),
    ],
)
def test_a_tflite_has_no_layers_to_rewrite(choices, names, float_file, small_cnn, tmp_path):
    with pytest.raises(UserError, match=f"{names}.*choose bias_correction='empirical'"):
        tflq.export(float_file, tmp_path / "m.tflite", data=small_cnn[1], **choices)


def test_a_subclassed_model_has_no_graph_to_rewrite(tmp_path):
    model, data = networks.subclassed()
    with pytest.raises(UserError, match="'subclassed' is a Subclassed, whose layers only its code"):
        tflq.export(model, tmp_path / "m.tflite", data=data, equalize=True)
    report = tflq.export(
        model, tmp_path / "m.tflite", data=data, bias_correction="empirical", verify_data=data
    )
    assert report.outputs[0].sqnr_db > 20
