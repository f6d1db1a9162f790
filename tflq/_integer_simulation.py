"""The integers of a file, or of a model's file to be, as a Keras model."""

import os
from pathlib import Path
from typing import Any

from tflq import integer
from tflq._export import export
from tflq._run_folder import RunFolder
from tflq.keras_side import keras_kind


def integer_simulation(source: Any, **options: Any) -> integer.IntegerSimulation:
    """A Keras model with the integers of a .tflite, for `predict` and `evaluate` at any batch.

    Args:
        source: path or content of an integer .tflite; or a Keras model, whose file is made first,
            without being kept: one from `tflq.quantize` needs nothing more.
        **options: of `tflq.export`, such as `data`, for other Keras models.

    Returns:
        The model; `exact` says whether its outputs are those of LiteRT, code by code, and
        `approximate` which ops stand in the way.

    Raises:
        UserError: the file is damaged or float, or has an op without a kernel; the model cannot
            be exported.

    Example:
        >>> import keras, numpy as np, tflq
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> x = np.eye(4, dtype="float32")
        >>> integers = tflq.integer_simulation(tflq.quantize(model, data=x))
        >>> integers.exact, integers.predict(x, verbose=0).shape
        (True, (4, 2))
    """
    if keras_kind(source) is None:
        path: str | os.PathLike[str] | bytes = source
        return integer.integer_simulation(path)
    with RunFolder() as folder:
        file = Path(folder, "model.tflite")
        export(source, file, **options)
        return integer.simulation_of(file.read_bytes(), source.name)
