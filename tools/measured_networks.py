"""Trained networks and the data to measure them on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fashion_mnist import load_fashion_mnist
from imagenet import photos

from tflq.demo import load_efficientnet_lite

_EVERY, _CALIBRATING, _JUDGING = 10, 100, 2000


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A trained network and its data."""

    name: str
    model: Any
    calibration: np.ndarray
    images: np.ndarray
    labels: np.ndarray


def load_network(
    name: str, *, photos_folder: str | None, fashion: str | None, dataset: str | None = None
) -> Network:
    """A network by name.

    Args:
        name: "lite0", "lite1", or a file's of `fashion`, without its ending.
        photos_folder: photos named NNN_*.jpg, NNN being the ImageNet class: every tenth
            calibrates, the others judge.
        fashion: folder of what tools/fashion_networks.py trained; 100 training images calibrate,
            2000 test images judge.
        dataset: folder of Fashion-MNIST; default: Debian's.
    """
    if name.startswith("lite"):
        model = load_efficientnet_lite(int(name[4:]))
        images, labels = photos(Path(str(photos_folder)), model.input_shape[1])
        chosen = np.arange(len(images)) % _EVERY == 0
        return Network(
            name=name,
            model=model,
            calibration=images[chosen],
            images=images[~chosen],
            labels=labels[~chosen],
        )
    import keras

    folder = (Path(dataset),) if dataset else ()
    (training, _), (images, labels) = load_fashion_mnist(*folder)
    return Network(
        name=name,
        model=keras.models.load_model(Path(str(fashion), f"{name}.keras"), compile=False),
        calibration=training[:_CALIBRATING],
        images=images[:_JUDGING],
        labels=labels[:_JUDGING],
    )
