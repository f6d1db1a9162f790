"""Loads Keras models from disk, safely: no code of the file runs unless the user says so."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

from tflq._errors import UserError
from tflq._reasons import keras_reason

_SAFE = "to run its code anyway, if you trust the file, pass safe_mode=False (--nosafe_mode)."


def load_keras(path: str, *, safe_mode: bool = True) -> Any:
    """Loads a `.keras` or `.h5` file, by Keras 3 or, where that cannot, by tf_keras.

    Args:
        path: the file.
        safe_mode: refuse files that carry code (Lambda layers).

    Returns:
        The model, uncompiled. Models quantized by tfmot come back with their wrappers.

    Raises:
        UserError: the file is missing, damaged, unsafe, or needs classes that are not known.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"model file {path!r} does not exist; check the path.")
    config = _config(file)
    if safe_mode and re.search(r'"class_name":\s*"Lambda"', config):
        raise UserError(f"{path!r} holds a Lambda layer, whose code would run on loading; {_SAFE}")
    if "QuantizeWrapper" in config or '"QuantizeLayer"' in config:
        return _load_tfmot(path, safe_mode)
    errors = []
    for load in (_load_keras3, _load_tf_keras):
        try:
            return load(path, safe_mode)
        except Exception as error:
            # Keras raises whatever its deserializers meet.
            errors.append(f"{type(error).__name__}: {keras_reason(error)}")
    raise UserError(
        f"model file {path!r} cannot be loaded ({errors[0]}); if it uses classes of your own, "
        "load it in Python with them and pass the model to tflq.export."
    )


def _config(file: Path) -> str:
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                return archive.read("config.json").decode()
        import h5py

        with h5py.File(file, "r") as archive:
            config = archive.attrs["model_config"]
            return config.decode() if isinstance(config, bytes) else json.dumps(json.loads(config))
    except Exception as error:
        # zipfile, h5py and json have no common base for a damaged file.
        raise UserError(
            f"model file {str(file)!r} is damaged or holds weights only ({keras_reason(error)}); "
            "save the whole model again with model.save('model.keras')."
        ) from error


def _load_keras3(path: str, safe_mode: bool) -> Any:
    import keras

    return keras.saving.load_model(path, compile=False, safe_mode=safe_mode)


def _load_tf_keras(path: str, safe_mode: bool) -> Any:
    import tf_keras

    return tf_keras.models.load_model(path, compile=False, safe_mode=safe_mode)


def _load_tfmot(path: str, safe_mode: bool) -> Any:
    import tensorflow_model_optimization as tfmot

    try:
        with tfmot.quantization.keras.quantize_scope():
            return _load_tf_keras(path, safe_mode)
    except Exception as error:
        raise UserError(
            f"model file {path!r} is quantized by tfmot and cannot be loaded: "
            f"{keras_reason(error)}."
        ) from error
