"""`QATSchedule`: when quantization starts, when ranges freeze, when batch normalization freezes."""

import math
from typing import Any

import keras
import numpy as np

from tflq._errors import UserError
from tflq.qat._activation import FakeQuant
from tflq.qat._phase import Phase, quantized_layers, require_quantized, set_phase

# Shares of all steps. Batch statistics first settle with quantized weights; then the function that
# trains is the file's (Krishnamoorthi 2018, section 3.2.2), and last its ranges stop moving.
_FREEZE_NORMS, _FREEZE_RANGES = 0.6, 0.8
# Ranges that no data started are observed for a while before they quantize.
_OBSERVE, _MOST_OBSERVED = 0.05, 100


class QATSchedule(keras.callbacks.Callback):
    """Takes a model from `tflq.quantize` through the phases of its training.

    Steps count from the start of the training, so a resumed `fit(initial_epoch=...)` goes on where
    it was. Without this callback everything is quantized from the first step, and nothing freezes.
    It also stops a training that has diverged, and names the first quantizer that did.

    Args:
        quantize_at: step from which weights and activations are quantized; until then ranges are
            only observed. By default 0 where all ranges are known, else 5 % of the steps, 100 at
            most.
        freeze_norms_at: step from which batch normalization uses its moving statistics, so that
            the network trained is the one in the file; by default 60 % of the steps.
        freeze_ranges_at: step from which ranges stay; by default 80 % of the steps.
        steps: how many steps the training has; by default those of `fit`.

    Raises:
        UserError: (in `fit`) the model is not quantized, the number of steps is not known, or the
            training diverged.

    Example:
        >>> import keras, numpy as np, tflq
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> qat = tflq.quantize(model)
        >>> qat.compile("sgd", "mse")
        >>> x = np.ones((8, 4), "float32")
        >>> schedule = tflq.QATSchedule()
        >>> history = qat.fit(x, x[:, :2], epochs=3, callbacks=[schedule], verbose=0)
        >>> schedule.phase.observing
        False
    """

    def __init__(
        self,
        *,
        quantize_at: int | None = None,
        freeze_norms_at: int | None = None,
        freeze_ranges_at: int | None = None,
        steps: int | None = None,
    ):
        super().__init__()
        given = {
            "quantize_at": quantize_at,
            "freeze_norms_at": freeze_norms_at,
            "freeze_ranges_at": freeze_ranges_at,
            "steps": steps,
        }
        for name, value in given.items():
            if value is not None and value < 0:
                raise UserError(f"QATSchedule: {name}={value} is negative; give a step from 0 up.")
        self._given = given
        self._at: dict[str, int] = {}
        self._start: int | None = None
        self.phase: Phase | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Waits for the first epoch, which tells how far a resumed training is."""
        require_quantized(self.model, "QATSchedule: model")
        self._start = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Places the phases once the number of steps is known."""
        if self._start is None:
            per_epoch = self.params.get("steps")
            self._start = self._iterations - epoch * (per_epoch or 0)
            self._at = self._places(per_epoch)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Enters the next phase when it is time."""
        step = self._iterations - (self._start or 0)
        self._enter(
            Phase(
                quantizing=step >= self._at["quantize_at"],
                observing=step < self._at["freeze_ranges_at"],
                normalizing=step < self._at["freeze_norms_at"],
            )
        )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stops a training whose loss is no number any more."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            raise UserError(diverged(self.model))

    def on_train_end(self, logs: Any = None) -> None:
        """A training that ended early is quantized all the same."""
        if self.phase is not None and not self.phase.quantizing:
            self._enter(Phase(quantizing=True, observing=True, normalizing=True))

    @property
    def _iterations(self) -> int:
        return int(self.model.optimizer.iterations)

    def _places(self, per_epoch: int | None) -> dict[str, int]:
        total = self._given["steps"]
        if total is None and per_epoch:
            total = per_epoch * self.params["epochs"]
        defaults = {
            "quantize_at": 0 if _all_ranges_known(self.model) else None,
            "freeze_norms_at": None,
            "freeze_ranges_at": None,
        }
        if total is not None:
            observe = min(int(total * _OBSERVE), _MOST_OBSERVED)
            defaults["quantize_at"] = 0 if defaults["quantize_at"] == 0 else observe
            defaults["freeze_norms_at"] = int(total * _FREEZE_NORMS)
            defaults["freeze_ranges_at"] = int(total * _FREEZE_RANGES)
        places = {}
        for name, default in defaults.items():
            place = self._given[name] if self._given[name] is not None else default
            if place is None:
                raise UserError(
                    f"QATSchedule: the number of steps is not known before the data ends; give "
                    f"steps=, or {name}=."
                )
            places[name] = place
        return places

    def _enter(self, phase: Phase) -> None:
        if phase == self.phase:
            return
        self.phase = phase
        set_phase(self.model, phase)
        # What was traced for another phase must not run again.
        self.model.make_train_function(force=True)
        self.model.test_function = self.model.predict_function = None


def diverged(model: Any) -> str:
    """What to say of a model whose training diverged: which quantizer holds NaN first."""
    advice = (
        "go back to an earlier checkpoint and train with a lower learning rate or clipped gradients"
    )
    for layer in quantized_layers(model):
        if not all(np.isfinite(np.asarray(value)).all() for value in layer.weights):
            what = "range" if isinstance(layer, FakeQuant) else "weights"
            return (
                f"training diverged: the {what} of {layer.name!r}, first of all quantizers, holds "
                f"NaN or infinity; {advice}."
            )
    return f"training diverged: the loss is no number, though all quantizers hold some; {advice}."


def _all_ranges_known(model: Any) -> bool:
    return all(
        np.asarray(layer.seen).all()
        for layer in quantized_layers(model)
        if isinstance(layer, FakeQuant) and layer.fixed is None
    )
