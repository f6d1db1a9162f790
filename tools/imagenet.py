"""Labelled photos, and what a network makes of them."""

from pathlib import Path
from typing import Any

import numpy as np

from tflq.data import PRESETS, image_folder
from tflq.tflite_side import Runner


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
