"""Recipes as what a user would write."""

import shlex

from hypothesis import given
from hypothesis import strategies as st

import tflq
from tflq.cli import _export
from tflq.cli._choice_flags import choices as parsed
from tflq.tflite_side import ROUNDINGS
from tflq.trials._choice_text import as_command, as_flags, as_python, in_words, key_of

RECIPES = st.fixed_dictionaries(
    {},
    optional={
        "scheme": st.sampled_from(["w8a8", "w4a8"]),
        "calibrator": st.sampled_from(tflq.calibrators()),
        "equalize": st.just(True),
        "absorb_bias": st.just(True),
        "bias_correction": st.just("empirical"),
        "rounding": st.sampled_from(["nearest", *ROUNDINGS]),
        "io": st.sampled_from(["int8", "float32"])
        | st.dictionaries(
            st.text("ab/ -'$\"<=", min_size=1), st.sampled_from(["uint8", "float32"]), min_size=1
        ),
        "signature": st.text("ab/ -'$\"<", min_size=1),
        "input_range": st.just((0.0, 255.0)),
        "scheme_for": st.dictionaries(
            st.text("ab/ -'$\"<", min_size=1), st.sampled_from(["float32", "w8a8"]), max_size=3
        ),
    },
)


@given(RECIPES)
def test_the_command_line_chooses_the_same(recipe):
    command = shlex.split(as_command("m y.keras", ["--data=photos of mine"], recipe))
    assert command[:4] == ["tflq", "export", "m y.keras", "model.tflite"]
    for flag in _export.FLAGS:
        _export.FLAGS[flag].unparse()
    left = _export.FLAGS(["export", *command[2:]])
    assert left[1:] == ["m y.keras", "model.tflite"]
    found = parsed(_export.FLAGS)
    for name, value in recipe.items():
        assert found[name] == value
    assert _export.FLAGS.data == "photos of mine"


@given(RECIPES)
def test_the_call_chooses_the_same(recipe):
    class Recorder:
        @staticmethod
        def export(model, path, *, data, **given):
            return given

    came = eval(as_python(recipe), {"tflq": Recorder, "model": 0, "data": 0})
    assert came == recipe


def test_words():
    assert in_words({}) == "mse"
    recipe = {
        "calibrator": "kl",
        "equalize": True,
        "bias_correction": "empirical",
        "rounding": "adaround",
        "scheme_for": {"a": "float32", "b": "float32"},
    }
    assert in_words(recipe) == "kl, CLE, correct, AdaRound, 2 layers float32"
    assert as_flags({"equalize": False, "io": None}) == []


def test_keys_do_not_depend_on_the_order():
    assert key_of({"scheme": "w8a8", "io": "int8"}) == key_of({"io": "int8", "scheme": "w8a8"})
    assert key_of({"scheme": "w8a8"}) != key_of({})
