"""Arrays on disk, in a temporary folder of the run."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from tflq._run_folder import RunFolder, room


def disk_array(folder: RunFolder, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """A new array, all of whose room is taken.

    A page of it for which there is none would end the process when it is written.

    Args:
        folder: where.
        name: of the file.
        shape: of the array.
        dtype: of its numbers.

    Raises:
        UserError: there is not enough room.
    """
    path = Path(folder.name, name)
    with room():
        array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with path.open("rb+") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array
