"""Loads Keras models from disk, safely: no code of the file runs unless the user says so."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from tflq._errors import UserError
from tflq._reasons import keras_reason
from tflq.keras_side._config_guard import class_names, find_unsafe, module_roots
from tflq.keras_side._container import Container, opened
from tflq.keras_side._kind import Kind, keras_kind
from tflq.keras_side._known_names import LIBRARIES, known_names

SAFE = "to load it anyway, if you trust the file, pass safe_mode=False (--nosafe_mode)."
_TFMOT = frozenset({"QuantizeWrapper", "QuantizeWrapperV2", "QuantizeLayer"})


def load_keras(path: str, *, safe_mode: bool = True) -> Any:
    """Loads a `.keras` or `.h5` file, by the Keras that wrote it or, where that cannot, the other.

    Args:
        path: the file.
        safe_mode: refuse files that carry code (Lambda layers), call functions that do more than
            compute with tensors, or name classes that are neither Keras's nor registered.

    Returns:
        The model, uncompiled. Models quantized by tfmot come back with their wrappers.

    Raises:
        UserError: the file is missing, damaged, unsafe, or needs classes that are not known.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"model file {path!r} does not exist; check the path.")
    with opened(file) as container:
        if class_names(container.config) & _TFMOT:
            return _load_tfmot(path, container, safe_mode)
        try:
            return _load(path, container, _kinds(container.version), safe_mode)
        except _UnloadableError as error:
            raise UserError(
                f"model file {path!r} cannot be loaded ({error}); if it uses classes of your own, "
                "load it in Python with them and pass the model to tflq.export."
            ) from error


class _UnloadableError(Exception):
    """Neither Keras can build the model; the text says why the first cannot."""


def _kinds(version: str) -> tuple[Kind, ...]:
    """Which Keras is asked first: they compute some layers differently under the same name."""
    major = version.partition(".")[0]
    new = major.isdecimal() and int(major) >= 3
    return ("keras", "tf_keras") if new else ("tf_keras", "keras")


def _load(path: str, container: Container, kinds: tuple[Kind, ...], safe_mode: bool) -> Any:
    """Loads by the first Keras that knows all that is named, and can."""
    if safe_mode:
        _import_libraries(container.config)
    reasons = []
    for kind in kinds:
        finding = find_unsafe(container.config, known_names(kind)) if safe_mode else None
        if finding is not None and finding.unsafe:
            raise UserError(f"{path!r} {finding.reason}; {SAFE}")
        if finding is not None:
            reasons.append(finding.reason)
            continue
        package = importlib.import_module(kind)
        try:
            model = package.models.load_model(container.path, compile=False, safe_mode=safe_mode)
        except Exception as error:
            # Keras raises whatever its deserializers meet.
            reasons.append(f"{type(error).__name__}: {keras_reason(error)}")
            continue
        if keras_kind(model) is not None:
            return model
        # It builds what is named, whatever that is.
        reasons.append(f"it holds a {type(model).__name__}, which is no model")
    raise _UnloadableError(reasons[0])


def _import_libraries(config: Any) -> None:
    """Imports a library of layers that the file names, so that what it registers is known."""
    for name in module_roots(config).intersection(LIBRARIES):
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)


def _load_tfmot(path: str, container: Container, safe_mode: bool) -> Any:
    import tensorflow_model_optimization as tfmot

    with tfmot.quantization.keras.quantize_scope():
        try:
            return _load(path, container, ("tf_keras",), safe_mode)
        except _UnloadableError as error:
            raise UserError(
                f"model file {path!r} is quantized by tfmot and cannot be loaded: {error}."
            ) from error
