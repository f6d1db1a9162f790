"""The right answers to samples, for measuring accuracy."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq._limits import LABEL_BYTES
from tflq._regular import open_regular

_EXPECTED = "give whole numbers, one a sample (or one a position, for maps)"


def read_labels(labels: Any) -> np.ndarray:
    """Class indices, one a sample in their order.

    Args:
        labels: an array or a list, or the path of a `.npy`, or of a text file with one number a
            line.

    Returns:
        int64, shape (samples, ...).

    Raises:
        UserError: the file is missing or holds something else.

    Example:
        >>> read_labels([3, 1]).tolist()
        [3, 1]
    """
    name = "labels"
    if isinstance(labels, (str, os.PathLike)):
        name = f"labels file {os.fspath(labels)!r}"
        labels = _read(Path(labels), name)
    try:
        found = np.asarray(labels)
    except ValueError as error:
        raise UserError(f"{name}: {error}; {_EXPECTED}.") from error
    if found.dtype.kind not in "iu" or found.ndim == 0:
        raise UserError(f"{name} has dtype {found.dtype}, shape {found.shape}; {_EXPECTED}.")
    return found.astype(np.int64)


def answers_to(verify_data: Any, labels: Any) -> np.ndarray | None:
    """Labels of samples that a user gave; None without labels.

    Raises:
        UserError: there are labels without samples, or as `read_labels` says.
    """
    if labels is None:
        return None
    if verify_data is None:
        raise UserError("labels are the answers to verify_data, which is missing; give it too.")
    return read_labels(labels)


def batch_by_batch(
    labels: np.ndarray | None, samples: Sequence[Mapping[str, np.ndarray]]
) -> np.ndarray | None:
    """Labels of batches of samples, shape (batches, samples of a batch, ...); None without.

    Raises:
        UserError: there are more or fewer than samples.
    """
    if labels is None:
        return None
    batch, count = next(iter(samples[0].values())).shape[0], len(samples)
    if len(labels) != batch * count:
        raise UserError(
            f"labels has {len(labels)} entries for {batch * count} samples; give one a sample, in "
            "their order."
        )
    return labels.reshape(count, batch, *labels.shape[1:])


def _read(path: Path, name: str) -> np.ndarray:
    try:
        with open_regular(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > LABEL_BYTES:
                raise ValueError(f"it has {size} bytes, more than the {LABEL_BYTES} that are read")
            if path.suffix == ".npy":
                # Mapped, for a damaged header claims more than memory holds.
                with np.errstate(all="ignore"):
                    return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
            return np.array([int(line) for line in stream.read().split()], np.int64)
    except Exception as error:
        # NumPy raises whatever its parsers raise.
        raise UserError(f"{name} cannot be read: {error}; {_EXPECTED}.") from error
