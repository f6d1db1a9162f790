"""Twenty labelled ImageNet photos, which the package `foolbox` carries."""

import importlib.metadata
import re
from pathlib import Path

from tflq._errors import UserError

_NAME = re.compile(r"^imagenet_\d+_(\d+)\.jpg$")


def labelled_photos() -> list[tuple[Path, int]]:
    """Paths of the photos and their ImageNet classes, in the order of their names.

    Raises:
        UserError: the package is not installed.

    Example:
        >>> path, label = labelled_photos()[0]
        >>> path.name, label
        ('imagenet_00_243.jpg', 243)
    """
    try:
        files = importlib.metadata.files("foolbox") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = [(file, match) for file in files if (match := _NAME.match(file.name))]
    if not found:
        raise UserError(
            "the photos come with the package 'foolbox', which is not installed; "
            "pip install 'tflq[demo]'."
        )
    paths = [(Path(str(file.locate())), int(match[1])) for file, match in found]
    return sorted(paths)
