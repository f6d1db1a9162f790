"""Labelled photos, and what a network makes of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError
from tflq.data import PRESETS, image_folder
from tflq.tflite_side import Runner

_CLASSES = 1000
_PHOTOS = ("*.jpg", "*.jpeg", "*.JPEG", "*.png")


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A file and its class."""

    file: Path
    label: int


def labelled(folder: Path) -> list[Photo]:
    """The photos of a folder with their classes, in the order of their names.

    Args:
        folder: of photos named NNN_*.jpg, NNN being the ImageNet class, or of a folder a class,
            a thousand of them, whose sorted names are the classes in order.

    Raises:
        UserError: it is neither.
    """
    if not folder.is_dir():
        raise UserError(f"folder {str(folder)!r} of ImageNet does not exist; check the path.")
    named = sorted(folder.glob("[0-9][0-9][0-9]_*.jpg"))
    if named:
        return [Photo(file=file, label=int(file.name[:3])) for file in named]
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    photos = [
        Photo(file=file, label=label)
        for label, path in enumerate(classes)
        for file in sorted(file for pattern in _PHOTOS for file in path.glob(pattern))
    ]
    if len(classes) != _CLASSES or not photos:
        raise UserError(
            f"folder {str(folder)!r} has {len(classes)} folders and {len(photos)} photos in them; "
            f"give photos named NNN_*.jpg, NNN being the class, or {_CLASSES} folders of photos, "
            "one a class."
        )
    return photos


def prepared(folder: Path, size: int) -> Any:
    """The photos of a folder, preprocessed for EfficientNet-Lite."""
    preset = PRESETS["efficientnet-lite"]
    return image_folder(
        folder,
        image_size=size,
        crop=preset.crop((size, size)),
        mean=preset.mean,
        scale=preset.scale,
        resample=preset.resample,
    )


def photos(folder: Path, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Photos named NNN_*.jpg, as `prepared` gives them, and their classes NNN."""
    names = sorted(path.name for path in folder.glob("[0-9][0-9][0-9]_*.jpg"))
    return np.stack(list(prepared(folder, size))), np.array([int(name[:3]) for name in names])


def logits(content: bytes, images: np.ndarray) -> np.ndarray:
    """The outputs of a .tflite for images, one after another."""
    runner = Runner(content)
    (spec,) = runner.inputs
    return np.concatenate([runner.run({spec.name: image[None]})[0] for image in images])
