"""Says how many codes of real files the two simulations meet, beside LiteRT with XNNPACK.

    python tools/parity.py --images=FOLDER [--fashion=FOLDER] [--photos=300] [--scheme=w8a8]

FOLDER of `--images` holds photos named NNN_*.jpg, that of `--fashion` networks which
tools/fashion_networks.py has trained (`--dataset` is where their images lie). Every network goes
through tflq.quantize and is exported. The integer simulation is compared op by op, each op fed the
runtime's own inputs, and from end to end; the model from tflq.quantize in what it predicts. Prints
a Markdown table. EfficientNet-Lite0 has its ImageNet weights, the other networks of photos random
ones with batch norm statistics of photos.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from fashion_mnist import DEBIAN, load_fashion_mnist
from imagenet import logits, photos

from tflq import export, parity, quantize
from tflq.demo import load_efficientnet_lite
from tflq.integer import Parity
from tflq.tflite_side import Graph

# Lifelike statistics for random weights come from the tests.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

_IMAGES = flags.DEFINE_string("images", None, "folder of NNN_*.jpg", required=True)
_FASHION = flags.DEFINE_string("fashion", None, "folder of trained *.keras of Fashion-MNIST")
_DATASET = flags.DEFINE_string("dataset", str(DEBIAN), "folder of Fashion-MNIST")
_PHOTOS = flags.DEFINE_integer("photos", 300, "how many photos judge", lower_bound=1)
_SCHEME = flags.DEFINE_string("scheme", "w8a8", "scheme of the files")
_CALIBRATING, _SMALL = 32, 96


def main(_: list[str]) -> None:
    """Prints one row a network, as it is measured."""
    print(
        "| network | ops | exact kernels | approximated | op by op | end to end | "
        "training: same | within 1 | top-1 | images |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, model, images in _networks():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "int8.tflite")
            qat = quantize(model, data=images[:_CALIBRATING], scheme=_SCHEME.value)
            export(qat, file)
            judged = images[: _PHOTOS.value]
            drift = _drift(qat, file.read_bytes(), judged)
            print(_row(name, parity(file, judged), drift), flush=True)


def _networks() -> Iterator[tuple[str, Any, np.ndarray]]:
    import keras

    folder = Path(_IMAGES.value)
    lite = load_efficientnet_lite(0)
    yield "EfficientNet-Lite0, 224", lite, photos(folder, lite.input_shape[1])[0]
    small = photos(folder, _SMALL)[0]
    for name in ("MobileNetV2", "ResNet50"):
        keras.utils.set_random_seed(0)
        build = getattr(keras.applications, name)
        model = build(weights=None, input_shape=(_SMALL, _SMALL, 3), classes=20)
        yield f"{name}, {_SMALL}, random weights", _settled(model, small), small
    for way in ("nearest", "bilinear"):
        model = _settled(_unet(way), small)
        yield f"U-Net, {way} upsampling, {_SMALL}, random weights", model, small
    if _FASHION.value:
        _, (images, _) = load_fashion_mnist(Path(_DATASET.value))
        for file in sorted(Path(_FASHION.value).glob("*.keras")):
            yield (
                f"{file.stem}, Fashion-MNIST",
                keras.saving.load_model(file, compile=False),
                images,
            )


def _settled(model: Any, images: np.ndarray) -> Any:
    import networks

    return networks.settle(model, images[:_CALIBRATING])


def _unet(interpolation: str) -> Any:
    """Three scales, skips by concatenation, ten classes a pixel."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    image = keras.Input((_SMALL, _SMALL, 3), name="image")
    x, skips = image, []
    for depth, channels in enumerate((16, 32, 64)):
        x = _twice(x, channels, f"down{depth}")
        skips.append(x)
        x = layers.MaxPooling2D(name=f"pool{depth}")(x)
    x = _twice(x, 96, "bottom")
    for depth, skip in reversed(list(enumerate(skips))):
        x = layers.UpSampling2D(interpolation=interpolation, name=f"up{depth}")(x)
        x = layers.Concatenate(name=f"skip{depth}")([x, skip])
        x = _twice(x, skip.shape[-1], f"merge{depth}")
    x = layers.Conv2D(10, 1, name="logits")(x)
    return keras.Model(image, layers.Softmax(name="classes")(x), name=f"unet_{interpolation}")


def _twice(x: Any, channels: int, name: str) -> Any:
    from keras import layers

    for step in "ab":
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"{name}{step}")(x)
        x = layers.BatchNormalization(name=f"{name}{step}_bn")(x)
        x = layers.ReLU(6.0, name=f"{name}{step}_relu")(x)
    return x


def _drift(qat: Any, content: bytes, images: np.ndarray) -> tuple[float, float, float]:
    """Of the trained model: shares of codes that are the file's, and one off; of first answers."""
    graph = Graph.from_bytes(content)
    held = graph.tensors[graph.outputs[0]].quantization
    assert held is not None, "outputs are int8"
    simulated = qat.predict(images, batch_size=10, verbose=0)
    came = logits(content, images).reshape(simulated.shape)
    codes = np.abs(np.rint((simulated - came) / held.scale[0]))
    answers = simulated.argmax(-1) == came.argmax(-1)
    return float(np.mean(codes == 0)), float(np.mean(codes <= 1)), float(np.mean(answers))


def _row(name: str, found: Parity, drift: tuple[float, float, float]) -> str:
    exact = Counter(op.kind for op in found.ops if op.exact)
    cells = (
        name,
        str(len(found.ops)),
        ", ".join(f"{kind} {count}" for kind, count in sorted(exact.items())),
        ", ".join(sorted(found.approximate)) or "-",
        _percent(found.identical),
        ", ".join(map(_percent, found.outputs.values())),
        *(f"{100 * share:.2f} %" for share in drift),
        str(found.samples),
    )
    return f"| {' | '.join(cells)} |"


def _percent(share: float) -> str:
    # Nothing short of all is called 100 %.
    return "100 %" if share == 1 else f"{min(100 * share, 99.9999):.4f} %"


if __name__ == "__main__":
    app.run(main)
