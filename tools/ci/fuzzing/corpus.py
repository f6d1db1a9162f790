"""Cases that once found a fault, kept as files."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from fuzzing.damage_archives import zipped
from fuzzing.readers import READERS, Case, Reader

_DAMAGED, _WHOLE = "damaged", "whole"


def keep(reader: Reader, case: Case, path: Path) -> None:
    """Writes a case into a zip, in a folder named after its reader."""
    target = path.parent / reader.name.replace(" ", "_") / f"{path.name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(zipped([(_DAMAGED, case.content), (_WHOLE, case.seed)]))


def kept(folder: Path) -> Iterator[tuple[Reader, Path]]:
    """The cases in a folder, and what is to read them."""
    readers = {reader.name.replace(" ", "_"): reader for reader in READERS}
    for path in sorted(folder.glob("*/*.zip")):
        yield readers[path.parent.name], path


def take(path: Path, folder: Path) -> Case:
    """A case that was kept.

    Args:
        path: where.
        folder: an empty one, for whatever is written.
    """
    with zipfile.ZipFile(path) as archive:
        return Case(content=archive.read(_DAMAGED), seed=archive.read(_WHOLE), folder=folder)
