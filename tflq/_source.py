"""Opens whatever a user calls a model."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._float_model import FloatModel
from tflq._quiet import quiet
from tflq.data import InputSpec

SOURCES = "a Keras 3 or tf_keras model, a .keras or .h5 file, a SavedModel folder, or a .tflite"


def open_model(
    model: Any,
    *,
    batch_size: int | None = 1,
    safe_mode: bool = True,
    dtypes: Mapping[str, np.dtype] | np.dtype | None = None,
) -> FloatModel:
    """Brings any source to a .tflite with the user's names.

    Args:
        model: one of `SOURCES`; a .tflite may be quantized, the caller judges.
        batch_size: the batch of the file where the source leaves it open; None leaves it open.
        safe_mode: refuse Keras files that carry code.
        dtypes: dtypes of the data, for subclassed Keras models, which do not know their own.

    Raises:
        UserError: it is nothing of the kind, missing, damaged, or not convertible.
    """
    from tflq.keras_side import from_keras, from_saved_model, keras_kind, load_keras

    source = None
    if isinstance(model, (str, os.PathLike)):
        path = Path(model)
        if not path.is_dir() and path.suffix not in (".keras", ".h5", ".hdf5"):
            return _from_tflite(path)
        import_tensorflow()
        if path.is_dir():
            return from_saved_model(str(path), batch_size=batch_size)
        model = load_keras(str(path), safe_mode=safe_mode)
        source = f"model file {str(path)!r}"
    if keras_kind(model) is None:
        raise UserError(f"model is a {type(model).__name__}; give {SOURCES}.")
    return from_keras(model, batch_size=batch_size, dtypes=dtypes, source=source)


def import_tensorflow() -> None:
    """Imports it without what it reports of the machine: nobody needs that here."""
    with quiet():
        import tensorflow  # noqa: F401


def _from_tflite(path: Path) -> FloatModel:
    from tflq.tflite_side import Graph, probe, read_bytes, signature_names

    if not path.exists():
        raise UserError(f"model {str(path)!r} does not exist; give {SOURCES}.")
    content = read_bytes(path)
    graph = Graph.from_bytes(content, name=f"model file {str(path)!r}")
    probe(path)
    names, outputs = signature_names(graph)
    tensors = [graph.tensors[index] for index in graph.inputs]
    inputs = tuple(
        InputSpec(
            name=name,
            shape=tensor.shape,
            dtype=np.dtype(np.float32 if tensor.quantization else tensor.dtype),
        )
        for name, tensor in zip(names, tensors, strict=True)
    )
    return FloatModel(
        tflite=content, inputs=inputs, outputs=outputs, source=f"model file {str(path)!r}"
    )
