"""Activations of many samples: small ones in memory, large ones on disk."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tflq._disk_array import disk_array
from tflq._run_folder import RunFolder

# Bytes of one tensor over all samples.
_IN_MEMORY = 2**26


class ActivationStore:
    """Arrays of shape (samples, ...) by tensor index. Use it in a `with`: leaving it cleans up."""

    def __init__(self) -> None:
        self._folder = RunFolder()
        self._arrays: dict[int, np.ndarray] = {}
        self._made = 0

    def __enter__(self) -> "ActivationStore":
        return self

    def __exit__(self, *exception: object) -> None:
        self._arrays.clear()
        self._folder.cleanup()

    def __getitem__(self, index: int) -> np.ndarray:
        return self._arrays[index]

    def put(self, indices: Iterable[int], values: Iterator[list[np.ndarray]], count: int) -> None:
        """Stores the tensors that an op makes, sample by sample.

        Args:
            indices: the tensors.
            values: for each sample one array a tensor.
            count: how many samples come.
        """
        indices = list(indices)
        for sample, made in enumerate(values):
            for index, value in zip(indices, made, strict=True):
                if sample == 0:
                    self._arrays[index] = self._empty((count, *value.shape), value.dtype)
                self._arrays[index][sample] = value

    def drop(self, index: int) -> None:
        """Forgets a tensor."""
        array = self._arrays.pop(index)
        if isinstance(array, np.memmap):
            Path(str(array.filename)).unlink()

    def _empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        if np.prod(shape, dtype=np.int64) * dtype.itemsize <= _IN_MEMORY:
            return np.empty(shape, dtype)
        self._made += 1
        return disk_array(self._folder, f"{self._made}.npy", shape, dtype)
