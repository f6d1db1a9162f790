"""A folder of pictures as samples."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tflq._errors import UserError
from tflq._limits import FOLDER_ENTRIES, PICTURE_PIXELS
from tflq.data._picture import Preparation
from tflq.data._presets import as_pair, as_tuple

_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif"),
    *(".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".jp2"),
)


class ImageFolder:
    """Pictures of a folder and its subfolders, in the order of their names.

    Other files and hidden ones are left out. Each iteration reads the files anew, one at a time.

    Args:
        path: the folder.
        prepare: turns a file into an array.

    Raises:
        UserError: the folder does not exist, cannot be read, or holds no picture.
    """

    def __init__(self, path: str | os.PathLike[str], prepare: Preparation):
        self._prepare = prepare
        self._files = _pictures(Path(path))

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[np.ndarray]:
        for file in self._files:
            yield self._prepare(file, f"image {str(file)!r}")


def image_folder(
    path: str | os.PathLike[str],
    *,
    image_size: int | tuple[int, int],
    crop: float | None = None,
    mean: float | Sequence[float] = 0.0,
    scale: float | Sequence[float] = 1.0,
    resample: str = "bilinear",
    bgr: bool = False,
    max_pixels: int = PICTURE_PIXELS,
) -> ImageFolder:
    """Reads the pictures of a folder: `(pixel - mean) / scale`, pixels being 0..255.

    Pictures are turned as EXIF says and converted to RGB; transparency is dropped.

    Args:
        path: a folder; subfolders are included, other files are ignored.
        image_size: N or (height, width) of the result, in pixels.
        crop: share of the shorter side that a central crop of the result's shape keeps before
            it is resized, 0 < crop <= 1; None resizes the whole picture.
        mean: one value or three, in the order of the result's channels.
        scale: one value or three, likewise; the divisor.
        resample: "nearest", "bilinear", "bicubic" or "lanczos".
        bgr: the result's channels are blue, green, red.
        max_pixels: of larger pictures, a JPEG is decoded at a half, quarter or eighth of its size,
            and others are refused.

    Returns:
        An iterable of float32 arrays of shape (height, width, 3), in the order of the names.
        It can be iterated over again, and has a length.

    Raises:
        UserError: there is no such folder, no picture in it, or a value is out of range; while
            iterating: a picture is damaged.

    Example:
        >>> import tempfile, PIL.Image
        >>> folder = tempfile.mkdtemp()
        >>> PIL.Image.new("RGB", (40, 30), "white").save(f"{folder}/a.png")
        >>> [image.shape for image in image_folder(folder, image_size=8, scale=255.0)]
        [(8, 8, 3)]
    """
    prepare = Preparation(
        image_size=as_pair(image_size),
        crop=crop,
        mean=as_tuple(mean),
        scale=as_tuple(scale),
        resample=resample,
        bgr=bgr,
        max_pixels=max_pixels,
    )
    return ImageFolder(path, prepare)


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"folder {str(folder)!r} does not exist; give a folder of pictures.")
    found = [Path(path) for path in _found(folder)]
    if not found:
        raise UserError(
            f"folder {str(folder)!r} holds no picture; give one with {' '.join(_SUFFIXES)}."
        )
    # By what paths compare by, each of which they would ask for again and again.
    return sorted(found, key=lambda file: file.parts)


def _found(folder: Path) -> Iterator[str]:
    """What has a picture's name, without what links to folders lead to: maybe round in circles."""
    # os.walk calls itself for every level, of which there may be more than Python's stack holds.
    ahead, seen = [str(folder)], 0
    while ahead:
        try:
            with os.scandir(ahead.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen > FOLDER_ENTRIES:
                        raise UserError(
                            f"folder {str(folder)!r} holds more than {FOLDER_ENTRIES} files; give "
                            "one with fewer."
                        )
                    if not _is_folder(entry):
                        if _is_picture(entry.name):
                            yield entry.path
                    elif not entry.is_symlink() and not entry.name.startswith("."):
                        ahead.append(entry.path)
        except OSError as error:
            raise UserError(
                f"folder {error.filename!r} cannot be read ({error.strerror}); allow reading it."
            ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link to itself; if it has a picture's name, reading it says so.
        return False


def _is_picture(name: str) -> bool:
    # Hidden files with a picture's suffix are notes of file managers, not pictures.
    return not name.startswith(".") and name.lower().endswith(_SUFFIXES)
