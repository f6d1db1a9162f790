"""Opens whatever a user calls a model."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._float_model import FloatModel
from tflq._quiet import quiet
from tflq._signatures import DEFAULT_SIGNATURE
from tflq.data import InputSpec

SOURCES = "a Keras 3 or tf_keras model, a .keras or .h5 file, a SavedModel folder, or a .tflite"

_KERAS_FILES = (".keras", ".h5", ".hdf5")


def open_model(
    model: Any,
    *,
    batch_size: int | None = 1,
    safe_mode: bool = True,
    dtypes: Mapping[str, np.dtype] | np.dtype | None = None,
    name: str | None = None,
    signature: str | None = None,
) -> FloatModel:
    """Brings any source to a .tflite with the user's names.

    Args:
        model: one of `SOURCES`; a .tflite may be quantized, the caller judges.
        batch_size: the batch of the file where the source leaves it open; None leaves it open.
        safe_mode: refuse Keras files and SavedModels that do more than compute.
        dtypes: dtypes of the data, for subclassed Keras models, which do not know their own.
        name: how messages call a model that is no file; default its own name.
        signature: which signature of a .tflite or SavedModel; default the only one.

    Raises:
        UserError: it is nothing of the kind, missing, damaged, or not convertible.
    """
    from tflq.keras_side import (
        from_keras,
        from_saved_model,
        keras_kind,
        keras_reference,
        refuse_infinite,
    )

    loaded = load_model(model, safe_mode=safe_mode)
    if isinstance(loaded, Path):
        if not loaded.is_dir():
            return _from_tflite(loaded, signature)
        import_tensorflow()
        return from_saved_model(
            str(loaded), batch_size=batch_size, signature=signature, safe_mode=safe_mode
        )
    if keras_kind(loaded) is None:
        raise UserError(f"model is a {type(loaded).__name__}; give {SOURCES}.")
    if signature is not None:
        raise UserError(
            f"signature={signature!r} chooses a part of a .tflite or a SavedModel, and a Keras "
            "model has no signatures; leave it out."
        )
    if loaded is not model:
        name = f"model file {os.fspath(model)!r}"
    if keras_kind(loaded) == "keras" and _is_quantized(loaded):
        from tflq.qat import deploy
        from tflq.tflite_side import sign_16_bits

        deployed = deploy(loaded)
        refuse_infinite(loaded, name)
        made = from_keras(deployed.model, batch_size=batch_size, dtypes=dtypes, source=name)
        reference = keras_reference(deployed.plain, made.inputs)
        content = sign_16_bits(made.tflite)
        return replace(made, tflite=content, training=deployed.training, reference=reference)
    refuse_infinite(loaded, name)
    return from_keras(as_float(loaded), batch_size=batch_size, dtypes=dtypes, source=name)


def as_float(model: Any) -> Any:
    """A Keras model that computes in float32; anything else as it is.

    Raises:
        UserError: Keras has quantized it, or its half precision cannot be taken out.
    """
    from tflq.keras_side import in_float32, keras_kind

    if keras_kind(model) is None or _is_quantized(model):
        return model
    return in_float32(model)


def load_model(model: Any, *, safe_mode: bool) -> Any:
    """Loads a Keras file; gives a `Path` for other files, and anything else as it is.

    Raises:
        UserError: the file is damaged, or carries code.
    """
    if not isinstance(model, (str, os.PathLike)):
        return model
    path = Path(model)
    if path.is_dir() or path.suffix not in _KERAS_FILES:
        return path
    from tflq.keras_side import load_keras

    import_tensorflow()
    return load_keras(str(path), safe_mode=safe_mode)


def has_signatures(model: Any) -> bool:
    """Whether it is a file of a kind that names what it computes: a .tflite or a SavedModel."""
    return isinstance(model, (str, os.PathLike)) and Path(model).suffix not in _KERAS_FILES


def _is_quantized(model: Any) -> bool:
    """Whether `tflq.quantize` made it, in which case its module is loaded already."""
    module = sys.modules.get("tflq.qat")
    return module is not None and bool(module.is_quantized(model))


def import_tensorflow() -> None:
    """Imports it without what it reports of the machine: nobody needs that here."""
    with quiet():
        import tensorflow  # noqa: F401


def _from_tflite(path: Path, signature: str | None) -> FloatModel:
    from tflq.tflite_side import (
        Graph,
        attached_files,
        probe,
        read_bytes,
        signature_names,
        take_signature,
    )

    if not path.exists():
        raise UserError(f"model {str(path)!r} does not exist; give {SOURCES}.")
    source = f"model file {str(path)!r}"
    whole = read_bytes(path)
    content, key = take_signature(whole, signature, name=source)
    graph = Graph.from_bytes(content, name=source)
    probe(path, None if content is whole else content)
    names, outputs = signature_names(graph)
    tensors = [graph.tensors[index] for index in graph.inputs]
    inputs = tuple(
        InputSpec(name=name, shape=tensor.shape, dtype=_input_dtype(name, tensor, source))
        for name, tensor in zip(names, tensors, strict=True)
    )
    return FloatModel(
        tflite=content,
        inputs=inputs,
        outputs=outputs,
        signature=key or DEFAULT_SIGNATURE,
        source=source,
        attached=attached_files(whole, name=source),
    )


def _input_dtype(name: str, tensor: Any, source: str) -> np.dtype:
    if tensor.quantization:
        return np.dtype(np.float32)
    try:
        return np.dtype(tensor.dtype)
    except TypeError as error:
        raise UserError(
            f"{source} takes {tensor.dtype} as input {name!r}, which is no array of numbers; "
            "give the part of the model behind it."
        ) from error
