"""Opens a file that says it is a Keras model: its format, its configuration, what it unpacks to.

A file is copied once into a folder of this process, and all that follows reads the copy: what was
checked is what is loaded. Its first bytes say what it is, and its name has to agree.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflq import _limits
from tflq._errors import UserError
from tflq._reasons import keras_reason
from tflq._run_folder import RunFolder
from tflq.keras_side._archive import check_archive, read_config
from tflq.keras_side._config_guard import nesting
from tflq.keras_side._damaged import DamagedError, mebibytes
from tflq.keras_side._hdf5 import check_hdf5, read_attribute
from tflq.keras_side._wiring import check_wiring

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Container:
    """A Keras model's file.

    Attributes:
        path: a copy that nobody else changes.
        config: the parsed configuration of the model.
        version: of the Keras that wrote it, or "".
    """

    path: str
    config: dict[str, Any]
    version: str


@contextlib.contextmanager
def opened(file: Path) -> Iterator[Container]:
    """Copies a file, checks and reads it; the copy is removed in the end.

    Raises:
        UserError: it is damaged, is not what its name says, or breaks a limit.
    """
    with RunFolder() as folder:
        try:
            copy = _copied(file, Path(folder))
        except OSError as error:
            raise UserError(
                f"model file {str(file)!r} cannot be read, or copied into a temporary folder "
                f"({error.strerror}); check its permissions, and the space of the folder that "
                "TMPDIR names."
            ) from error
        except DamagedError as error:
            raise _damaged(file, str(error)) from error
        try:
            container = _read_archive(copy) if copy.suffix == ".keras" else _read_hdf5(copy)
            check_wiring(container.config)
        except UnicodeDecodeError as error:
            raise _damaged(file, "its configuration is not UTF-8") from error
        except Exception as error:
            # zipfile, h5py and json have no common base for a damaged file.
            raise _damaged(file, keras_reason(error)) from error
        yield container


def _damaged(file: Path, reason: str) -> UserError:
    return UserError(
        f"model file {str(file)!r} is damaged or holds weights only ({reason}); save the whole "
        "model again with model.save('model.keras')."
    )


def _copied(file: Path, folder: Path) -> Path:
    with file.open("rb") as source:
        start = source.read(len(_HDF5))
        copy = folder / _name(start, file.suffix)
        with copy.open("wb") as target:
            target.write(start)
            shutil.copyfileobj(source, target)
    return copy


def _name(start: bytes, suffix: str) -> str:
    """The name by which Keras knows how to read a file that starts so."""
    if start == _HDF5:
        # Keras wrote HDF5 under either name until 2.12.
        return "model.h5"
    if not start.startswith(_ZIP):
        raise DamagedError("it is neither a .keras archive nor HDF5")
    if suffix != ".keras":
        raise DamagedError(
            f"its contents are those of a .keras file, and its name ends in {suffix}"
        )
    return "model.keras"


def _read_archive(path: Path) -> Container:
    config, metadata = read_config(path)
    check_archive(path)
    known = _parsed(metadata) if metadata else {}
    parsed = _parsed(config)
    # Neither package reads it, for nothing is compiled.
    parsed.pop("compile_config", None)
    return Container(str(path), parsed, str(known.get("keras_version", "")))


def _read_hdf5(path: Path) -> Container:
    check_hdf5(path)
    config = read_attribute(path, "model_config")
    if config is None:
        raise DamagedError("it has no model_config")
    return Container(str(path), _parsed(config), read_attribute(path, "keras_version") or "")


def _parsed(text: str | bytes) -> dict[str, Any]:
    if len(text) > _limits.KERAS_CONFIG:
        raise DamagedError(
            f"its configuration takes {mebibytes(len(text))}, and at most "
            f"{mebibytes(_limits.KERAS_CONFIG)} are read"
        )
    counted = text.encode() if isinstance(text, str) else text
    parts = counted.count(b"[") + counted.count(b"{")
    if parts > _limits.KERAS_PARTS:
        raise DamagedError(
            f"its configuration has {parts:,} parts, and at most {_limits.KERAS_PARTS:,} are read"
        )
    try:
        config = json.loads(text)
        deep = nesting(config) > _limits.KERAS_NESTING
    except RecursionError:
        deep = True
    if deep:
        raise DamagedError(
            f"its configuration is nested deeper than {_limits.KERAS_NESTING} levels"
        )
    if not isinstance(config, dict):
        raise DamagedError("its configuration describes no model")
    return config
