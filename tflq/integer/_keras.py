"""The integers of a file as a Keras model."""

import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tflq.integer._conversion import decoded
from tflq.integer._program import Program
from tflq.integer._simulate import encoded_input, fed, opened, program_of, stored
from tflq.tflite_side import signature_names


class _IntegerGraph(keras.layers.Layer):
    """From numbers to the numbers that a file's output codes stand for."""

    def __init__(self, program: Program, **options: Any):
        super().__init__(trainable=False, dtype="float32", autocast=False, **options)
        self.program = program

    def call(self, *inputs: Any) -> Any:
        """Evaluates a batch."""
        program = self.program
        values = [encoded_input(x, place) for x, place in zip(inputs, program.inputs, strict=True)]
        made = program.run(values)
        outputs = []
        for index in program.graph.outputs:
            place, value = program.place(index), made[index]
            number = decoded(value, place.codes) if place.codes is not None else value
            outputs.append(tf.reshape(number, [-1, *place.shape[1:]]))
        return outputs[0] if len(outputs) == 1 else outputs


class IntegerSimulation(keras.Model):
    """A Keras model that computes what an integer .tflite computes, code by code.

    It takes numbers and gives the numbers that the file's output codes stand for. It has no
    weights to train; compile it with metrics for `evaluate`.

    Attributes:
        exact: whether every op has an exact kernel.
        approximate: reasons by kind of op, for the ops that have none; empty if `exact`.
    """

    def __init__(self, program: Program, *, name: str):
        names, _ = signature_names(program.graph)
        doors = [
            keras.Input(
                place.shape[1:],
                dtype="float32" if place.codes is not None else place.dtype,
                name=_safe(door),
            )
            for door, place in zip(names, program.inputs, strict=True)
        ]
        outputs = _IntegerGraph(program, name="integers")(*doors)
        super().__init__(doors if len(doors) > 1 else doors[0], outputs, name=name)
        self._program = program

    @property
    def exact(self) -> bool:
        """Whether every op has an exact kernel."""
        return not self.approximate

    @property
    def approximate(self) -> dict[str, str]:
        """Kinds of ops without an exact kernel: how many there are, and why."""
        return self._program.approximate

    def codes(self, x: Any) -> dict[str, np.ndarray]:
        """Everything that is computed for samples: arrays in the file's dtypes, by tensor name.

        Args:
            x: samples as for `tflq.simulate`; all are held at once.
        """
        program = self._program
        feeds = [
            encoded_input(fed(x, program, position), place)
            for position, place in enumerate(program.inputs)
        ]
        values = program.run(feeds, keep=True)
        return {
            program.place(index).name: stored(value, program.place(index))
            for index, value in values.items()
        }


def integer_simulation(source: str | os.PathLike[str] | bytes) -> IntegerSimulation:
    """A Keras model with the integers of a .tflite, for `predict` and `evaluate` at any batch.

    Args:
        source: path or content of an integer .tflite.

    Returns:
        The model; `exact` says whether its outputs are those of LiteRT, code by code, and
        `approximate` which ops stand in the way.

    Raises:
        UserError: the file is damaged or float, or has an op without a kernel.

    Example:
        >>> import keras, numpy as np, tempfile, tflq
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> x = np.eye(4, dtype="float32")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = tflq.export(model, folder + "/it.tflite", data=x, calibrator="minmax")
        ...     integers = tflq.integer_simulation(folder + "/it.tflite")
        >>> integers.exact, integers.predict(x, verbose=0).shape
        (True, (4, 2))
    """
    content, name = opened(source)
    return _model(content, said=name, name="integer_simulation")


def simulation_of(content: bytes, name: str) -> IntegerSimulation:
    """As `integer_simulation`, of a file's content, as a model called `name`."""
    return _model(content, said=f"the .tflite of {name!r}", name=_safe(name))


def _model(content: bytes, *, said: str, name: str) -> IntegerSimulation:
    return IntegerSimulation(program_of(content, name=said), name=name)


def _safe(name: str) -> str:
    return name.replace("/", "_").replace(":", "_")
