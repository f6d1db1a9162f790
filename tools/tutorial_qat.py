"""Tutorial: a network trained on Fashion-MNIST, quantized with and without training.

    python tools/tutorial_qat.py [--dataset=FOLDER] [--epochs=3] [--scheme=w4a8]

It trains a small residual network in float, exports it without training and with quantization-aware
training, and prints the accuracy of the three .tflite files side by side. fashion_mnist.py says how
to get the data.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from fashion_mnist import DEBIAN, flipped, load_fashion_mnist
from imagenet import logits
from widened import widened

import tflq
from tflq._source import open_model

_DATASET = flags.DEFINE_string("dataset", str(DEBIAN), "folder of Fashion-MNIST")
_EPOCHS = flags.DEFINE_integer("epochs", 3, "passes of the float training; QAT has one")
_SCHEME = flags.DEFINE_string("scheme", "w8a8", "what to quantize to")

_COMPARED = 500


def main(_: list[str]) -> None:
    """Trains, exports, compares."""
    import keras

    keras.utils.set_random_seed(0)
    training, (images, labels) = load_fashion_mnist(Path(_DATASET.value))

    # 1. A float model, trained as ever.
    model = build()
    fit(model, training, epochs=_EPOCHS.value, rate=4e-3)

    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "model.tflite")
    rows = [("float", accuracy(open_model(model).tflite, images, labels))]

    # 2. Without training: a hundred images choose the ranges.
    tflq.export(model, path, data=training[0][:100], scheme=_SCHEME.value)
    rows.append(("exported", accuracy(path.read_bytes(), images, labels)))

    # 3. Again with the corrections that cost a little time more.
    tflq.export(model, path, data=training[0][:100], scheme=_SCHEME.value, recipe="best")
    rows.append(("exported, recipe='best'", accuracy(path.read_bytes(), images, labels)))

    # 4. With training: one more epoch of a copy that computes as its file will.
    qat = tflq.quantize(model, scheme=_SCHEME.value, data=training[0][:100])
    fit(qat, training, epochs=1, rate=5e-4, callbacks=[tflq.QATSchedule()])
    tflq.export(qat, path)
    rows.append(("trained with tflq.quantize", accuracy(path.read_bytes(), images, labels)))

    # 5. What Keras evaluates is what the phone computes.
    some = images[:_COMPARED]
    predicted = qat.predict(some, batch_size=100, verbose=0)
    integers = tflq.integer_simulation(qat).predict(some, batch_size=100, verbose=0)
    came = logits(path.read_bytes(), some)
    folder.cleanup()
    print(f"\n| {_SCHEME.value} file | accuracy on 10,000 test images |\n|---|---|")
    for name, share in rows:
        print(f"| {name} | {100 * share:.2f} % |")
    print(f"\nlogits of qat.predict that are the file's: {_percent(predicted, came)}")
    print(f"of tflq.integer_simulation: {_percent(integers, came)}")


def build() -> Any:
    """Two residual blocks, from 32 x 32 x 1 to 10 logits."""
    import keras
    from keras import layers

    image = keras.Input((32, 32, 1), name="image")
    x = _convolution(image, 16, 1)
    for channels in (32, 64):
        short = layers.Conv2D(channels, 1, 2)(x)
        x = _convolution(x, channels, 2)
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.97)(x)
        x = layers.ReLU()(layers.Add()([x, short]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10)(x), name="tutorial")


def _convolution(x: Any, channels: int, stride: int) -> Any:
    from keras import layers

    x = layers.Conv2D(channels, 3, stride, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.97)(x))


def fit(model: Any, data: Any, *, epochs: int, rate: float, callbacks: Any = ()) -> None:
    """Compiles and fits; nothing here knows of quantization."""
    import keras

    batches = flipped(*data, seed=0)
    decay = keras.optimizers.schedules.CosineDecay(rate, epochs * len(batches))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(decay), loss, metrics=["accuracy"])
    model.fit(batches, epochs=epochs, callbacks=list(callbacks), verbose=2)


def _percent(simulated: np.ndarray, came: np.ndarray) -> str:
    return f"{100 * np.mean(np.isclose(simulated, came, atol=1e-5)):.2f} %"


def accuracy(tflite: bytes, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of right answers of a file."""
    return float(np.mean(logits(widened(tflite), images).argmax(1) == labels))


if __name__ == "__main__":
    app.run(main)
