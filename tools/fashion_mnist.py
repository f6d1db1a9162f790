"""Reads Fashion-MNIST as Debian's package `dataset-fashion-mnist` installs it.

    apt-get install dataset-fashion-mnist

or, without installing, `apt-get download dataset-fashion-mnist` and `dpkg-deb -x FILE.deb FOLDER`.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tflq._errors import UserError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")

Labelled = tuple[np.ndarray, np.ndarray]

BATCH = 128
_UBYTE = 8
_SIZE = 32


def load_fashion_mnist(folder: Path = DEBIAN) -> tuple[Labelled, Labelled]:
    """The training and the test images with their labels.

    Args:
        folder: where the four .gz files lie.

    Returns:
        `((images, labels), (images, labels))`: float32 in -1..1 of shape (n, 32, 32, 1), the 28 x
        28 pixels padded with the background, and int64 of shape (n,).

    Raises:
        UserError: a file is missing or damaged.
    """
    parts = []
    for part in ("train", "t10k"):
        images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", dimensions=3)
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", dimensions=1)
        if len(images) != len(labels):
            raise UserError(
                f"folder {str(folder)!r} has {len(images)} {part} images and {len(labels)} labels; "
                "install the package again."
            )
        parts.append((_prepared(images), labels.astype(np.int64)))
    return parts[0], parts[1]


def flipped(images: np.ndarray, labels: np.ndarray, *, seed: int) -> Any:
    """Shuffled batches in which every other image is mirrored by chance."""
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images), seed=seed)
    return dataset.batch(BATCH, drop_remainder=True).map(
        lambda x, y: (tf.image.random_flip_left_right(x, seed=seed), y)
    )


def read_idx(file: Path, *, dimensions: int) -> np.ndarray:
    """The array of an IDX file of bytes.

    Args:
        file: gzipped.
        dimensions: how many it must have.

    Raises:
        UserError: it is missing, truncated, or holds something else.
    """
    if not file.is_file():
        raise UserError(
            f"{str(file)!r} does not exist; apt-get install dataset-fashion-mnist, or give the "
            "folder of its files."
        )
    try:
        content = gzip.decompress(file.read_bytes())
        zero, kind, rank = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{rank}I", content, 4)
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    except (OSError, EOFError, zlib.error, struct.error, ValueError) as error:
        raise UserError(
            f"{str(file)!r} is damaged ({error}); install the package again."
        ) from error
    if (zero, kind, rank) != (0, _UBYTE, dimensions) or values.size != math.prod(shape):
        raise UserError(
            f"{str(file)!r} is no IDX file of {dimensions} dimensions of bytes, or it is cut off; "
            "install the package again."
        )
    return values.reshape(shape)


def _prepared(images: np.ndarray) -> np.ndarray:
    margin = (_SIZE - images.shape[1]) // 2
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    return (padded[..., None].astype(np.float32) - 127.5) / 127.5
