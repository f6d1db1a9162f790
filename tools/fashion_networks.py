"""Trains small networks on Fashion-MNIST, and unbalances channels of the mobile ones.

    python tools/fashion_networks.py --output=FOLDER [--dataset=FOLDER] [--epochs=6]

Writes `mobilenet_v1.keras`, `mobilenet_v2.keras`, `resnet8.keras` and `resnet18.keras`, and of the
first two one each that computes the same with channels of very unlike ranges
(`*_imbalanced.keras`), as figure 5 of the paper shows them. What is there already is not trained
again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from fashion_mnist import BATCH, DEBIAN, flipped, load_fashion_mnist

_OUTPUT = flags.DEFINE_string("output", None, "folder for the networks", required=True)
_DATASET = flags.DEFINE_string("dataset", str(DEBIAN), "folder of Fashion-MNIST")
_EPOCHS = flags.DEFINE_integer("epochs", 6, "passes over the training images")
_RATE, _SEED = 4e-3, 0
# Images on which a channel must stay below its cap to be scaled.
_SEEN, _JUDGED = 2000, 2000
_MOST_UNLIKE = 1000.0

# (expansion, channels, stride) of every block; V1 has no expansion.
_V1 = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1))
_V2 = (
    (1, 8, 1),
    (6, 8, 2),
    (6, 8, 1),
    (6, 16, 2),
    (6, 16, 1),
    (6, 24, 1),
    (6, 24, 1),
    (6, 56, 2),
    (6, 56, 1),
)


def main(_: list[str]) -> None:
    """Trains what is missing and prints accuracies."""
    import keras

    folder = Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    training, (images, labels) = load_fashion_mnist(Path(_DATASET.value))
    for name, build in BUILDERS.items():
        file = folder / f"{name}.keras"
        if not file.is_file():
            keras.utils.set_random_seed(_SEED)
            model = build()
            _train(model, *training, folder / f"{name}.backup")
            _save(model, file)
        model = keras.saving.load_model(file, compile=False)
        if name.startswith("resnet"):
            print(f"{name}: {_accuracy(model, images, labels):.4f}")
            continue
        unlike = imbalance(model, training[0][:_SEEN], ratio=_MOST_UNLIKE, seed=_SEED)
        _save(unlike, folder / f"{name}_imbalanced.keras")
        pair = [one.predict(images[:_JUDGED], verbose=0) for one in (model, unlike)]
        accuracy = [_accuracy(one, images, labels) for one in (model, unlike)]
        apart = np.abs(pair[0] - pair[1]).max() / np.abs(pair[0]).max()
        print(f"{name}: {accuracy[0]:.4f}; unbalanced {accuracy[1]:.4f}, {apart:.1e} apart")


def mobilenet_v1() -> Any:
    """MobileNetV1 of width 0.25 (Howard et al. 2017), from 32 x 32 x 1 to 10 logits."""
    import keras

    image = keras.Input((32, 32, 1), name="image")
    x = _conv(image, "stem", 8, kernel=3)
    for index, (channels, stride) in enumerate(_V1):
        x = _depthwise(x, f"block{index:02}_dw", stride)
        x = _conv(x, f"block{index:02}_pw", channels)
    return keras.Model(image, _head(x), name="mobilenet_v1")


def mobilenet_v2() -> Any:
    """MobileNetV2 of width 0.35 (Sandler et al. 2018), from 32 x 32 x 1 to 10 logits."""
    import keras
    from keras import layers

    image = keras.Input((32, 32, 1), name="image")
    x = _conv(image, "stem", 16, kernel=3)
    for index, (expansion, channels, stride) in enumerate(_V2):
        name, before = f"block{index:02}", x
        if expansion > 1:
            x = _conv(x, f"{name}_expand", expansion * x.shape[-1])
        x = _depthwise(x, f"{name}_dw", stride)
        x = _conv(x, f"{name}_project", channels, activate=False)
        if stride == 1 and channels == before.shape[-1]:
            x = layers.Add(name=f"{name}_add")([x, before])
    x = _conv(x, "head", 256)
    return keras.Model(image, _head(x), name="mobilenet_v2")


def resnet8() -> Any:
    """ResNet8 of MLPerf Tiny (one block a stage), from 32 x 32 x 1 to 10 logits."""
    return _resnet("resnet8", channels=(16, 32, 64), blocks=1)


def resnet18() -> Any:
    """ResNet18's arrangement (He et al. 2015) with an eighth of its channels, for 32 x 32 x 1."""
    return _resnet("resnet18", channels=(8, 16, 32, 64), blocks=2)


def _resnet(name: str, *, channels: tuple[int, ...], blocks: int) -> Any:
    import keras
    from keras import layers

    image = keras.Input((32, 32, 1), name="image")
    x = layers.ReLU(name="stem_relu")(_plain(image, "stem", channels[0], kernel=3))
    for stage, width in enumerate(channels):
        for block in range(blocks):
            label, stride = f"stage{stage}_{block}", 2 if stage and not block else 1
            short = x if stride == 1 else _plain(x, f"{label}_short", width, stride=2)
            x = _plain(x, f"{label}_a", width, kernel=3, stride=stride)
            x = layers.ReLU(name=f"{label}_a_relu")(x)
            x = _plain(x, f"{label}_b", width, kernel=3)
            x = layers.Add(name=f"{label}_add")([x, short])
            x = layers.ReLU(name=f"{label}_relu")(x)
    return keras.Model(image, _head(x), name=name)


def imbalance(model: Any, samples: np.ndarray, *, ratio: float, seed: int) -> Any:
    """An equal model whose channels have ranges up to `ratio` times apart.

    A channel that a depthwise convolution writes for a pointwise one, and that stays below its
    cap, is made smaller in the former (gamma and beta of its normalization) and larger in the
    latter. The function stays on all inputs that do not reach the cap there.

    Args:
        model: one of those here.
        samples: images on which channels are checked, shape (n, 32, 32, 1).
        ratio: the largest factor.
        seed: of the factors, which are spread evenly on a logarithmic scale.
    """
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    generator = np.random.default_rng(seed)
    pairs = list(_depthwise_links(model))
    seen = keras.Model(model.input, [model.get_layer(relu).output for _, relu, _ in pairs])
    highest = [
        np.max(values, axis=(0, 1, 2))
        for values in seen.predict(samples, batch_size=250, verbose=0)
    ]
    for (norm, relu, reader), reached in zip(pairs, highest, strict=True):
        factors = np.exp(-generator.uniform(0, np.log(ratio), len(reached)))
        factors = np.where(reached < model.get_layer(relu).max_value, factors, 1.0)
        gamma, beta, *statistics = copy.get_layer(norm).get_weights()
        copy.get_layer(norm).set_weights([gamma * factors, beta * factors, *statistics])
        (kernel,) = copy.get_layer(reader).get_weights()
        copy.get_layer(reader).set_weights([kernel / factors[:, None]])
    return copy


def _depthwise_links(model: Any) -> Iterator[tuple[str, str, str]]:
    """(normalization, activation, pointwise convolution) behind every depthwise one."""
    names = [layer.name for layer in model.layers]
    for name in names:
        if name.endswith("_dw_relu"):
            block = name.removesuffix("_dw_relu")
            kinds = ("pw", "project")
            reader = next(f"{block}_{k}_conv" for k in kinds if f"{block}_{k}_conv" in names)
            yield f"{block}_dw_bn", name, reader


def _accuracy(model: Any, images: np.ndarray, labels: np.ndarray) -> float:
    came = model.predict(images[:_JUDGED], verbose=0).argmax(1)
    return float(np.mean(came == labels[:_JUDGED]))


def _plain(x: Any, name: str, channels: int, *, kernel: int = 1, stride: int = 1) -> Any:
    """A convolution and its normalization, without activation."""
    from keras import layers

    options = {"padding": "same", "use_bias": False, "name": f"{name}_conv"}
    return _normalized(layers.Conv2D(channels, kernel, stride, **options)(x), name, activate=False)


def _conv(x: Any, name: str, channels: int, *, kernel: int = 1, activate: bool = True) -> Any:
    from keras import layers

    x = _plain(x, name, channels, kernel=kernel)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def _depthwise(x: Any, name: str, stride: int) -> Any:
    from keras import layers

    options = {"padding": "same", "use_bias": False, "name": f"{name}_conv"}
    return _normalized(layers.DepthwiseConv2D(3, stride, **options)(x), name, activate=True)


def _normalized(x: Any, name: str, *, activate: bool) -> Any:
    from keras import layers

    x = layers.BatchNormalization(momentum=0.97, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def _head(x: Any) -> Any:
    from keras import layers

    return layers.Dense(10, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x))


def _train(model: Any, images: np.ndarray, labels: np.ndarray, backup: Path) -> None:
    """Goes on from the last finished epoch."""
    import keras

    steps = _EPOCHS.value * (len(images) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(_RATE, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    model.fit(
        flipped(images, labels, seed=_SEED),
        epochs=_EPOCHS.value,
        verbose=2,
        callbacks=[keras.callbacks.BackupAndRestore(str(backup))],
    )


def _save(model: Any, file: Path) -> None:
    """The file appears whole or not at all."""
    partial = file.with_suffix(".partial.keras")
    model.save(partial)
    partial.replace(file)


BUILDERS = {
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "resnet8": resnet8,
    "resnet18": resnet18,
}


if __name__ == "__main__":
    app.run(main)
