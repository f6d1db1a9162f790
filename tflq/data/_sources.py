"""From the text after `--data=` to data."""

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq.data._archive import ArchivedArray, damaged, open_archive
from tflq.data._function import is_function_name, load_function
from tflq.data._images import ImageFolder
from tflq.data._presets import ImageOptions
from tflq.data._spec import InputSpec
from tflq.data._tfrecord import Records

PATHS = (
    "a folder of images, a .npy or .npz file, a .tfrecord file or a glob of them, or "
    "module:function"
)

# Public data sets also name their shards train-00000-of-01024.
_RECORDS = re.compile(r"\.tfrecords?(-[^.]*)?$|-\d+-of-\d+$")


@dataclass(frozen=True, kw_only=True)
class DataPath:
    """Data that is still a path: what the command line passes on.

    Attributes:
        spec: see `from_path`.
        images: how pictures are prepared.

    Example:
        >>> DataPath(spec="photos", images=ImageOptions(preset="tf")).spec
        'photos'
    """

    spec: str
    images: ImageOptions = field(default_factory=ImageOptions)


def from_path(spec: str, inputs: Sequence[InputSpec], *, images: ImageOptions) -> Any:
    """Opens samples by name.

    Args:
        spec: a folder of images, subfolders included; a `.npy` of shape (samples, ...), which
            stays on disk; a `.npz` with an array of that shape for every input name, or with
            one array of any name for one input; a `.tfrecord`, `.tfrecords` or
            `.tfrecord-SHARD` file, or a glob of them (see `Records` for their features); or
            `module:function`, in the current folder or installed, called without arguments,
            which returns data of any kind that `samples` takes.
        inputs: the model's inputs, in order.
        images: how pictures are prepared; their size is the model's by default.

    Returns:
        Data for `samples`, which can be read again.

    Raises:
        UserError: it is missing, damaged, of no such kind, or does not fit the inputs.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/x.npy"
        >>> np.save(path, np.ones((5, 2)))
        >>> from_path(path, [InputSpec("x", (None, 2), np.float32)], images=ImageOptions()).shape
        (5, 2)
    """
    kind = path_kind(spec)
    if kind == "images":
        return ImageFolder(spec, images.preparation(_only_input(spec, inputs)))
    if kind == "tfrecord":
        return Records(_files(spec), inputs, images)
    if kind == "npz":
        return _named(open_archive(spec), inputs)
    return load_array(spec) if kind == "npy" else load_function(spec)


def path_kind(spec: str) -> str:
    """One of "images", "npy", "npz", "tfrecord" and "function".

    Raises:
        UserError: it is missing or not recognised.
    """
    path = Path(spec)
    if not _exists(spec):
        return "function" if is_function_name(spec) else _glob_kind(spec)
    if path.is_dir():
        return "images"
    # Others than files, such as pipes, cannot be read twice.
    if path.is_file() and path.suffix.lower() in (".npy", ".npz"):
        return path.suffix.lower()[1:]
    if path.is_file() and _RECORDS.search(path.name):
        return "tfrecord"
    raise UserError(f"data={spec!r} is of no kind that is known; give {PATHS}.")


def load_array(spec: str) -> np.ndarray:
    """Maps a .npy file into memory.

    Raises:
        UserError: it is damaged, or holds Python objects.
    """
    # A damaged header makes NumPy raise whatever its parsers raise.
    try:
        with np.errstate(all="ignore"):
            array = np.load(spec, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        raise damaged(spec, error) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise UserError(f"data={spec!r} is a .npz archive; rename it to .npz.")
    return array


def _named(
    arrays: dict[str, ArchivedArray], inputs: Sequence[InputSpec]
) -> dict[str, ArchivedArray]:
    """One array for one input needs no name."""
    if len(arrays) == len(inputs) == 1:
        return {inputs[0].name: next(iter(arrays.values()))}
    return arrays


def _glob_kind(spec: str) -> str:
    if not glob.has_magic(spec):
        raise UserError(f"data={spec!r} does not exist; give {PATHS}.")
    files = _files(spec)
    if not files:
        raise UserError(f"data={spec!r} matches no file; give {PATHS}.")
    others = [file for file in files if not _RECORDS.search(file.name)]
    if others:
        raise UserError(
            f"data={spec!r} matches {str(others[0])!r}, which is no .tfrecord file; give {PATHS}."
        )
    return "tfrecord"


def _files(spec: str) -> list[Path]:
    if _exists(spec):
        return [Path(spec)]
    # Path.glob takes no absolute patterns.
    names = glob.glob(spec, recursive=True)  # noqa: PTH207
    return [Path(name) for name in sorted(names)]


def _exists(spec: str) -> bool:
    """False also for texts that cannot be a path: empty, too long, with a null character."""
    try:
        return bool(spec) and Path(spec).exists()
    except (OSError, ValueError):
        return False


def _only_input(spec: str, inputs: Sequence[InputSpec]) -> InputSpec:
    if len(inputs) != 1:
        names = ", ".join(repr(item.name) for item in inputs)
        raise UserError(
            f"data={spec!r} is a folder of images for one input, but the model has "
            f"{len(inputs)} ({names}); give a .npz, .tfrecord or module:function."
        )
    return inputs[0]
