"""A model that is open, and the choices of an export that go with it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tflq._calibrate import Statistics
from tflq._choices import Choices, choose
from tflq._clock import Clock
from tflq._errors import UserError
from tflq._float_model import FloatModel, Training
from tflq._pipeline import Outcome, Pipeline
from tflq._recipe import Recipe, doors_of
from tflq._source import as_float, load_model, open_model
from tflq._split_outputs import split_outputs
from tflq.apart import expect_quantizer
from tflq.data import data_dtypes
from tflq.scheme import Writer
from tflq.tflite_side import Doors


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """A model as it came and as a float .tflite.

    Attributes:
        model: the Keras model where there is one, else the path.
        source: the same, converted.
    """

    model: Any
    source: FloatModel

    def recipe(self, choices: Choices) -> Recipe:
        """The choices, for this model.

        Raises:
            UserError: they do not go together, or not with the model.
        """
        recipe = choose(choices)
        self.doors(recipe)
        training = self.source.training
        if training is None:
            return recipe
        _check_training(recipe, training, choices.get("scheme"))
        return choose({**choices, "scheme": training.scheme})

    def doors(self, recipe: Recipe) -> Doors:
        """The dtypes that a recipe gives the model's inputs and outputs.

        Raises:
            UserError: it names one that the model does not have, or one that is not quantized.
        """
        source, io = self.source, recipe.io
        for spec in source.inputs:
            if isinstance(io, Mapping) and spec.name in io and spec.dtype != np.float32:
                raise UserError(
                    f"io={dict(io)!r} gives input {spec.name!r} a dtype, and it takes "
                    f"{spec.dtype.name}, which is never quantized; leave it out."
                )
        return doors_of(recipe, source)

    def run(
        self,
        recipe: Recipe,
        data: Any,
        *,
        verify_data: Any,
        checkpoint: Path,
        clock: Clock,
        statistics: Statistics | None = None,
        reread: bool = False,
    ) -> Outcome:
        """Takes the model through a recipe; see `Pipeline`."""
        return Pipeline(
            self.model,
            self.source,
            recipe,
            data,
            verify_data,
            checkpoint,
            clock,
            statistics,
            reread=reread,
        ).run()


def open_for(
    choices: Choices, model: Any, data: Any, *, batch_size: int | None, safe_mode: bool
) -> Opened:
    """Checks the choices, then opens the model.

    Raises:
        UserError: choices, data and model do not go together, or the model cannot be opened.
    """
    recipe = choose(choices)
    _check_data(recipe, data)
    if recipe.scheme.writer is Writer.INTEGER:
        expect_quantizer()
    loaded = load_model(model, safe_mode=safe_mode)
    _check_source(recipe, loaded)
    floating = as_float(loaded)
    source = open_model(
        floating,
        batch_size=batch_size,
        safe_mode=safe_mode,
        dtypes=data_dtypes(data),
        name=None if loaded is model else f"model file {os.fspath(model)!r}",
        signature=choices.get("signature"),
    )
    if recipe.split_outputs:
        source = split_outputs(source)
    return Opened(model=floating, source=source)


def _check_training(recipe: Recipe, training: Training, scheme: str | None) -> None:
    """Refuses what does not go with a model that was trained for its file."""
    if scheme not in (None, training.scheme):
        raise UserError(
            f"scheme={scheme!r} is not what the model was trained for, {training.scheme!r}; leave "
            f"scheme out, or train with tflq.quantize(model, scheme={scheme!r})."
        )
    if recipe.methods.any or recipe.scheme_for:
        raise UserError(
            "the model was trained for its quantization, which equalization, corrections, "
            "rounding and scheme_for would undo; leave them out, or give tflq.quantize "
            "equalize=True and scheme_for=."
        )


def _check_data(recipe: Recipe, data: Any) -> None:
    methods = recipe.methods
    if data is None and methods.need_samples:
        method = (
            f"rounding={methods.rounding!r}"
            if methods.rounding != "nearest"
            else "bias_correction='empirical'"
        )
        raise UserError(
            f"{method} learns from samples; give data= (--data), or choose recipe='data-free'."
        )


def _check_source(recipe: Recipe, model: Any) -> None:
    from tflq.keras_side import keras_kind

    methods = recipe.methods
    if not methods.rewrite_keras or keras_kind(model) is not None:
        return
    asked = {
        "equalize": methods.equalize,
        "absorb_bias": methods.absorb_bias,
        "bias_correction='analytic'": methods.bias_correction == "analytic",
    }
    names = ", ".join(name for name, given in asked.items() if given)
    raise UserError(
        f"layers of a Keras model are needed for {names}, and {str(model)!r} is none; give the "
        "Keras model, or choose bias_correction='empirical' and rounding='least_squares', which "
        "work on any float model."
    )
