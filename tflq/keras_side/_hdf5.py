"""Checks an HDF5 file that somebody else made: it refers to no other file and unpacks to little.

The format can link to other files of the disk and keep arrays in them, and can claim arrays of any
size in a few bytes.
"""

import math
from pathlib import Path
from typing import Any

from tflq import _limits
from tflq._reasons import keras_reason
from tflq.apart import CrashError, TimeLimitError, read_hdf5
from tflq.keras_side._damaged import DamagedError, mebibytes, shown

_MOST_OBJECTS = 1_000_000


def most_unpacked(path: Path) -> int:
    """Bytes that a file may have once it is unpacked."""
    return max(_limits.UNPACKED_BYTES, _limits.UNPACKED_TIMES * path.stat().st_size)


def check_hdf5(path: Path) -> None:
    """Looks at every link, array and attribute of a file, and reads none of them here.

    Raises:
        DamagedError: one leads out of the file, or is far larger than what is stored; or HDF5,
            which is C, does not survive reading it.
    """
    import h5py

    allowed = most_unpacked(path)
    try:
        damage = read_hdf5(path, allowed=allowed)
    except CrashError as error:
        raise DamagedError(f"it crashes HDF5 ({error})") from error
    except TimeLimitError as error:
        raise DamagedError(f"HDF5 does not come to its end in {_limits.HDF5_SECONDS} s") from error
    if damage is not None:
        raise DamagedError(f"HDF5 cannot read an attribute: {keras_reason(damage)}")
    with h5py.File(path, "r") as file:
        _check_links(file)
        budget = _Budget(allowed)
        _check_attributes(file, budget)

        def look(name: str, item: Any) -> None:
            _check_attributes(item, budget)
            if isinstance(item, h5py.Dataset):
                _check_dataset(name, item, budget)

        file.visititems(look)


def read_attribute(path: Path, name: str) -> str | None:
    """The text of an attribute of the file, as Keras reads it; None where there is none.

    Raises:
        DamagedError: it is no text.
    """
    import h5py

    with h5py.File(path, "r") as file:
        value = file.attrs.get(name)
        if isinstance(value, bytes):
            value = value.decode("utf-8")
        if value is not None and not isinstance(value, str):
            raise DamagedError(f"its attribute {name!r} is no text")
        return value


class _Budget:
    """Counts what a file claims to hold."""

    def __init__(self, allowed: int):
        self._left = allowed
        self._objects = _MOST_OBJECTS

    def take(self, name: str, size: int) -> None:
        self._left -= size
        self._objects -= 1
        if self._left < 0 or self._objects < 0:
            raise DamagedError(
                f"it would unpack to far more than the file holds (at {shown(name)}, "
                f"{mebibytes(size)})"
            )


def _check_links(file: Any) -> None:
    from h5py import h5l

    def leads_out(name: bytes, info: Any) -> str | None:
        inside = info.type in (h5l.TYPE_HARD, h5l.TYPE_SOFT)
        return None if inside else name.decode(errors="replace")

    # What the callback raises, h5py loses; what it returns ends the visit.
    found = file.id.links.visit(leads_out, info=True)
    if found is not None:
        raise DamagedError(f"its part {shown(found)} is a link to another file")


def _check_dataset(name: str, dataset: Any, budget: _Budget) -> None:
    if dataset.external or dataset.is_virtual:
        raise DamagedError(f"its array {shown(name)} is kept in another file")
    if dataset.shape is not None:
        count = math.prod(dataset.shape)
        budget.take(name, _bytes(count, dataset.id.get_type(), dataset.file))


def _check_attributes(item: Any, budget: _Budget) -> None:
    from h5py import h5a

    for index in range(h5a.get_num_attrs(item.id)):
        attribute = h5a.open(item.id, index=index)
        count = attribute.get_space().get_simple_extent_npoints()
        name = attribute.name.decode(errors="replace")
        budget.take(name, _bytes(count, attribute.get_type(), item.file))


def _bytes(count: int, kind: Any, file: Any) -> int:
    """The most that values take once they are read."""
    from h5py import h5t

    varies = isinstance(kind, h5t.TypeVlenID) or (
        isinstance(kind, h5t.TypeStringID) and kind.is_variable_str()
    )
    if not varies:
        return count * int(kind.get_size())
    # Each of several texts can be the same large part of the file; a single one is in it anyway.
    return count * int(file.id.get_filesize()) if count > 1 else 0
