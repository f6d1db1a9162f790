"""The networks that are run, and the files that are made of each."""

import itertools
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from converter import converter_int8
from imagenet import prepared

from arm_emulation.op_by_op import input_codes
from tflq import UserError, export
from tflq._source import open_model
from tflq.demo import load_efficientnet_lite

# Lifelike statistics for random weights come from the tests.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tests"))

_CALIBRATING = 32


@dataclass(frozen=True)
class Subject:
    """A network and how it is measured.

    Attributes:
        title: its name in tables.
        size: pixels of a side of its input.
        build: makes the Keras model, given samples for batch norm statistics.
        kernels: what runs its int8 file.
        samples: how many are run.
        inferences: how many one run has more than another, to count their instructions.
    """

    title: str
    size: int
    build: Callable[[np.ndarray], Any]
    kernels: tuple[str, ...]
    samples: int
    inferences: int


@dataclass(frozen=True)
class File:
    """A .tflite of a network, with samples in its input's dtype."""

    kind: str
    path: Path
    samples: np.ndarray


def _mobilenet_v2(size: int, alpha: float) -> Callable[[np.ndarray], Any]:
    def build(samples: np.ndarray) -> Any:
        import keras
        import networks

        keras.utils.set_random_seed(0)
        # Of a softmax over random logits nearly every code would be the smallest one.
        model = keras.applications.MobileNetV2(
            input_shape=(size, size, 3), alpha=alpha, weights=None, classifier_activation=None
        )
        return networks.settle(model, samples)

    return build


def _small(_: np.ndarray) -> Any:
    import networks

    model, _ = networks.small_cnn()
    return model


SUBJECTS = {
    "small_cnn": Subject(
        "Eight layers with a softmax, 16, random weights",
        16,
        _small,
        ("xnnpack", "built-in", "reference"),
        samples=200,
        # So few instructions that the start, which varies by thousands, would show.
        inferences=200,
    ),
    "mobilenet_v2_96": Subject(
        "MobileNetV2 0.35, 96, random weights",
        96,
        _mobilenet_v2(96, 0.35),
        ("xnnpack", "built-in", "reference"),
        samples=16,
        inferences=5,
    ),
    "mobilenet_v2_224": Subject(
        "MobileNetV2 1.0, 224, random weights",
        224,
        _mobilenet_v2(224, 1.0),
        ("xnnpack", "built-in"),
        samples=8,
        inferences=1,
    ),
    "efficientnet_lite0": Subject(
        "EfficientNet-Lite0, 224",
        224,
        lambda _: load_efficientnet_lite(0),
        ("xnnpack", "built-in"),
        samples=8,
        inferences=1,
    ),
}


def pictures(folder: Path | None, subject: Subject) -> np.ndarray:
    """Samples in -1..1: photos of a folder, or else uniform noise."""
    count, size = _CALIBRATING + subject.samples, subject.size
    if folder is None:
        noise = np.random.default_rng(0).uniform(-1, 1, (count, size, size, 3))
        return noise.astype(np.float32)
    photos = prepared(folder, size)
    if len(photos) < count:
        raise UserError(f"--images has {len(photos)} photos where {count} are needed; add some.")
    return np.stack(list(itertools.islice(photos, count)))


def make_files(subject: Subject, samples: np.ndarray, folder: Path) -> list[File]:
    """Writes the float file, ours and the converter's, to a folder."""
    calibrating, judged = samples[:_CALIBRATING], samples[_CALIBRATING:]
    model = subject.build(calibrating)
    with tempfile.TemporaryDirectory() as scratch:
        ours = Path(scratch, "int8.tflite")
        export(model, ours, data=calibrating)
        contents = {
            "float": open_model(model).tflite,
            "int8": ours.read_bytes(),
            "converter's int8": converter_int8(model, calibrating),
        }
    files = []
    for place, (kind, content) in enumerate(contents.items()):
        path = folder / f"{place}.tflite"
        path.write_bytes(content)
        files.append(File(kind, path, input_codes(content, judged)))
    return files
