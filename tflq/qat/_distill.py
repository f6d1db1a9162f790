"""Distillation: the float model teaches its quantized copy."""

import functools
from typing import Any

import keras
import tensorflow as tf

from tflq._errors import UserError
from tflq.qat._activation import FakeQuant
from tflq.qat._phase import quantized_layers, require_quantized

Tensor = Any


class Distiller(keras.Model):
    """Trains a quantized model on its labels and on what its teacher says; see `distill`."""

    def __init__(self, student: Any, teacher: Any, *, temperature: float, weight: float):
        super().__init__(name=f"{student.name}_distiller")
        self.student = student
        # Hidden from Keras, which would train and save it.
        self._teach = functools.partial(teacher, training=False)
        self.temperature, self.weight = temperature, weight
        self._gives_probabilities = _gives_probabilities(student)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The student's answer."""
        return self.student(inputs, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The loss that was compiled, and what separates the student from its teacher."""
        taught = tf.nest.flatten(self._teach(x))
        apart = tf.add_n(
            [self._distance(t, s) for t, s in zip(taught, tf.nest.flatten(y_pred), strict=True)]
        )
        if self.weight == 1:
            return apart + sum(self.losses)
        own = super().compute_loss(x, y, y_pred, sample_weight, training)
        return (1 - self.weight) * own + self.weight * apart

    def _distance(self, teacher: Tensor, student: Tensor) -> Tensor:
        """KL divergence at a temperature, times its square (Hinton et al. 2015)."""
        teacher, student = (self._logits(tf.cast(v, tf.float32)) for v in (teacher, student))
        target = tf.nn.log_softmax(teacher / self.temperature)
        came = tf.nn.log_softmax(student / self.temperature)
        divergence = tf.reduce_sum(tf.exp(target) * (target - came), axis=-1)
        return self.temperature**2 * tf.reduce_mean(divergence)

    def _logits(self, value: Tensor) -> Tensor:
        return tf.math.log(value + 1e-7) if self._gives_probabilities else value


def distill(
    qat: Any, teacher: Any, *, temperature: float = 2.0, weight: float = 0.5
) -> "Distiller":
    """Wraps a quantized model so that `fit` also pulls it towards its float teacher.

    The loss is (1 - weight) * the compiled one + weight * T^2 * KL(teacher || student), of logits
    or probabilities over the last axis, at temperature T (Hinton et al. 2015). Training it
    trains `qat` itself, which is what you save and export.

    Args:
        qat: from `tflq.quantize`.
        teacher: a float Keras model of the same inputs and outputs; it is not trained.
        temperature: above 0; a higher one shows more of the wrong answers' order.
        weight: of the teacher, 0 to 1; with 1, labels are not looked at.

    Returns:
        A `keras.Model` to compile and fit.

    Raises:
        UserError: `qat` is not quantized, shapes differ, or a number is out of range.

    Example:
        >>> import keras, numpy as np, tflq
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        >>> qat = tflq.quantize(model)
        >>> student = tflq.distill(qat, model, weight=1.0)
        >>> student.compile("sgd")
        >>> x = np.ones((8, 4), "float32")
        >>> history = student.fit(x, np.zeros(8), verbose=0)
    """
    require_quantized(qat, "distill: model")
    if not temperature > 0 or not 0 <= weight <= 1:
        raise UserError(
            f"distill: temperature={temperature} must be above 0 and weight={weight} between 0 "
            "and 1."
        )
    shapes = [[tuple(t.shape) for t in model.outputs] for model in (qat, teacher)]
    if shapes[0] != shapes[1]:
        raise UserError(
            f"distill: the teacher's outputs {shapes[1]} are not the model's, {shapes[0]}; give "
            "the float model that was quantized."
        )
    return Distiller(qat, teacher, temperature=temperature, weight=weight)


def _gives_probabilities(model: Any) -> bool:
    """Whether the last layer is a softmax, which has a range of its own."""
    return any(
        isinstance(layer, FakeQuant) and layer.fixed == (0.0, 255 / 256) and not layer.in_training
        for layer in quantized_layers(model)
    )
