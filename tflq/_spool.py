"""Keeps a stream of samples on disk, so that it can be read again."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from tflq._run_folder import RunFolder, room

Sample = Mapping[str, np.ndarray]


class Spool:
    """Reads a stream once, whatever it is, and gives it as often as needed.

    Args:
        samples: arrays by input name; read while the first iteration goes on.

    Example:
        >>> spool = Spool(iter([{"x": np.zeros(2)}]))
        >>> len(list(spool)), len(list(spool))
        (1, 1)
    """

    def __init__(self, samples: Iterable[Sample]):
        self._samples = samples
        self._folder = RunFolder()
        self._count: int | None = None
        self._names: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Sample]:
        if self._count is None:
            yield from self._first()
            return
        for index in range(self._count):
            with np.load(self._file(index)) as arrays:
                found = (arrays[key] for key in arrays.files)
                yield dict(zip(self._names, found, strict=True))

    def _first(self) -> Iterator[Sample]:
        count = 0
        for sample in self._samples:
            self._names = tuple(sample)
            with room():
                np.savez(self._file(count), *sample.values())
            count += 1
            yield sample
        self._count = count

    def _file(self, index: int) -> Path:
        return Path(self._folder.name, f"{index}.npz")
