"""What is done to a network besides choosing ranges, and the shorthands for it."""

from dataclasses import dataclass
from typing import Any

from tflq._errors import UserError
from tflq.tflite_side import ROUNDINGS

BIAS_CORRECTIONS = ("empirical", "analytic")
ROUNDING_NAMES = ("nearest", *ROUNDINGS)


@dataclass(frozen=True, kw_only=True)
class Methods:
    """The methods of one export; see `tflq.export`.

    Attributes:
        equalize: cross-layer equalization.
        absorb_bias: high-bias absorption.
        bias_correction: "empirical", "analytic" or None.
        rounding: "nearest", or how it is learned.
        selective: drop a step that makes the result worse.
    """

    equalize: bool = False
    absorb_bias: bool = False
    bias_correction: str | None = None
    rounding: str = "nearest"
    selective: bool = False

    @property
    def rewrite_keras(self) -> bool:
        """Whether the model's own layers are needed."""
        return self.equalize or self.absorb_bias or self.bias_correction == "analytic"

    @property
    def need_samples(self) -> bool:
        """Whether a method runs the quantized network."""
        return self.bias_correction == "empirical" or self.rounding != "nearest"

    @property
    def corrects_biases(self) -> bool:
        """Whether biases are decided anew; learned rounding does that too."""
        return self.bias_correction is not None or self.rounding != "nearest"

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return self.rewrite_keras or self.need_samples


RECIPES = {
    "fast": Methods(bias_correction="empirical"),
    "best": Methods(
        equalize=True,
        absorb_bias=True,
        bias_correction="empirical",
        rounding="least_squares",
        selective=True,
    ),
    "data-free": Methods(equalize=True, absorb_bias=True, bias_correction="analytic"),
}


def make_methods(
    *,
    recipe: str | None,
    equalize: bool | None,
    absorb_bias: bool | None,
    bias_correction: str | None,
    rounding: str | None,
) -> Methods:
    """Checks the choice of methods; a recipe stands for all of them.

    Raises:
        UserError: a name is unknown, methods exclude each other, or one came beside a recipe.
    """
    given: dict[str, Any] = {
        "equalize": equalize,
        "absorb_bias": absorb_bias,
        "bias_correction": bias_correction,
        "rounding": rounding,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if recipe is not None:
        _check("recipe", recipe, tuple(RECIPES))
        if given:
            name, value = next(iter(given.items()))
            raise UserError(
                f"{name}={value!r} came beside recipe={recipe!r}, which decides that; give one or "
                "the other."
            )
        return RECIPES[recipe]
    if bias_correction is not None:
        _check("bias_correction", bias_correction, BIAS_CORRECTIONS)
    if rounding is not None:
        _check("rounding", rounding, ROUNDING_NAMES)
    if bias_correction == "analytic" and rounding in ROUNDINGS:
        raise UserError(
            f"bias_correction='analytic' does without data, but rounding={rounding!r} learns from "
            "data and corrects biases with it; leave bias_correction out, or rounding."
        )
    return Methods(**given)


def _check(argument: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UserError(f"{argument}={value!r} is unknown; choose one of: {', '.join(known)}.")
