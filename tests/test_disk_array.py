import os
from pathlib import Path

import numpy as np
import pytest

from tflq import UserError
from tflq._disk_array import disk_array
from tflq._run_folder import RunFolder


def test_an_array_has_its_room_before_it_is_written():
    folder = RunFolder()
    array = disk_array(folder, "x.npy", (1000, 1000), np.float32)
    found = Path(folder.name, "x.npy").stat()
    # A sparse file would have a block or two.
    assert found.st_blocks * 512 >= array.nbytes or not hasattr(os, "posix_fallocate")
    array[:] = 3
    assert array.sum() == 3_000_000


def test_too_little_room_is_told(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(UserError, match=r"no more temporary files: No space left .* set TMPDIR"):
        disk_array(RunFolder(), "x.npy", (10,), np.float32)
