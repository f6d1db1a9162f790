"""Checks a .keras archive that somebody else made, and reads its configuration."""

import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from tflq import _limits
from tflq.keras_side._damaged import DamagedError, mebibytes, shown
from tflq.keras_side._hdf5 import check_hdf5, most_unpacked

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ENCRYPTED = 1


def check_archive(path: Path) -> None:
    """Looks at the members of an archive, and at what its weights refer to.

    Raises:
        DamagedError: members are doubled, lie outside, or unpack to far more than is stored.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _limits.KERAS_MEMBERS:
            raise DamagedError(
                f"it holds {len(members):,} files, and at most {_limits.KERAS_MEMBERS:,} are read"
            )
        seen: set[str] = set()
        for member in members:
            _check_member(member, seen)
        unpacked = sum(member.file_size for member in members)
        if unpacked > most_unpacked(path):
            raise DamagedError(
                f"it would unpack to {mebibytes(unpacked)}, far more than the file holds"
            )
        missing = {_CONFIG, _WEIGHTS} - seen
        if missing:
            raise DamagedError(f"it has no {min(missing)}")
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            weights = Path(folder, _WEIGHTS)
            with archive.open(_WEIGHTS) as source, weights.open("wb") as target:
                shutil.copyfileobj(source, target)
            check_hdf5(weights)


def read_config(path: Path) -> tuple[bytes, bytes]:
    """The configuration and the metadata, which may be empty.

    Raises:
        DamagedError: they are larger than the limit.
    """
    with zipfile.ZipFile(path) as archive:
        metadata = _read(archive, _METADATA) if _METADATA in archive.namelist() else b""
        return _read(archive, _CONFIG), metadata


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    size = archive.getinfo(name).file_size
    if size > _limits.KERAS_CONFIG:
        raise DamagedError(
            f"its {name} takes {mebibytes(size)}, and at most "
            f"{mebibytes(_limits.KERAS_CONFIG)} are read"
        )
    return archive.read(name)


def _check_member(member: zipfile.ZipInfo, seen: set[str]) -> None:
    name = member.filename
    if name in seen:
        raise DamagedError(f"it holds {shown(name)} twice")
    seen.add(name)
    place = PurePosixPath(name.replace("\\", "/"))
    # `orig_filename` keeps what follows a NUL, which zipfile cuts off.
    if place.is_absolute() or ".." in place.parts or "\0" in member.orig_filename:
        raise DamagedError(f"its member {shown(member.orig_filename)} lies outside of it")
    if stat.S_ISLNK(member.external_attr >> 16) or member.flag_bits & _ENCRYPTED:
        raise DamagedError(f"its member {shown(name)} is a link or encrypted")
