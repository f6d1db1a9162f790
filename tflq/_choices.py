"""What a user chooses of an export, which other verbs pass on to it."""

from collections.abc import Mapping
from typing import TypedDict

from tflq._methods import make_methods
from tflq._recipe import Recipe, make_recipe
from tflq.tflite_side import Io

_DEFAULT_SCHEME = "w8a8"
DEFAULT_CALIBRATOR = "mse"


class Choices(TypedDict, total=False):
    """Arguments of `tflq.export`; see there for what they mean and their defaults."""

    scheme: str | None
    scheme_for: Mapping[str, str] | None
    calibrator: str
    calibrator_for: Mapping[str, str] | None
    weight_calibrator: str
    equalize: bool | None
    absorb_bias: bool | None
    bias_correction: str | None
    rounding: str | None
    recipe: str | None
    input_range: tuple[float, float]
    io: Io | None
    split_outputs: bool
    signature: str | None


def choose(choices: Choices) -> Recipe:
    """Checks the choices, before any work is done.

    Raises:
        UserError: a name is unknown, or choices do not go together.
    """
    return make_recipe(
        scheme=choices.get("scheme") or _DEFAULT_SCHEME,
        scheme_for=choices.get("scheme_for"),
        calibrator=choices.get("calibrator", DEFAULT_CALIBRATOR),
        calibrator_for=choices.get("calibrator_for"),
        weight_calibrator=choices.get("weight_calibrator", "output_mse"),
        methods=make_methods(
            recipe=choices.get("recipe"),
            equalize=choices.get("equalize"),
            absorb_bias=choices.get("absorb_bias"),
            bias_correction=choices.get("bias_correction"),
            rounding=choices.get("rounding"),
        ),
        input_range=choices.get("input_range", (-1.0, 1.0)),
        io=choices.get("io"),
        split_outputs=choices.get("split_outputs", False),
    )
