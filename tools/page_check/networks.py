"""Networks whose reports are hard to show."""

from pathlib import Path
from typing import Any

import numpy as np

from tflq._source import open_model
from tflq.tflite_side import Graph, pack

HOSTILE = "<img src=x onerror=alert(1)>"
_SAMPLES = 24
Network = tuple[Any, np.ndarray]


def hostile_file(path: Path) -> Network:
    """A small CNN that takes pictures, as a float .tflite in which a layer's name is HTML.

    Args:
        path: the file to write.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(image)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.ReLU(6.0, name="depthwise_relu")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    classes = layers.Dense(10, name="logits")(x)
    graph = Graph.from_bytes(open_model(keras.Model(image, classes, name="small")).tflite)
    graph.model.subgraphs[0].tensors[graph.ops[0].outputs[0]].name = HOSTILE.encode()
    path.write_bytes(pack(graph.model))
    return path, pictures(32)


def long_network() -> Network:
    """150 convolutions, one after another."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    x = image = keras.Input((16, 16, 3), name="image")
    for index in range(149):
        own = layers.Conv2D(64, 1, activation="relu6", name=f"block{index:03}_convolution")
        x = own(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(20, name="logits")(x), name="long"), pictures(16)


def pictures(size: int) -> np.ndarray:
    """Smooth patches of colour with some noise, in -1..1."""
    generator = np.random.default_rng(0)
    coarse = generator.uniform(-1, 1, (_SAMPLES, 4, 4, 3))
    smooth = coarse.repeat(size // 4, axis=1).repeat(size // 4, axis=2)
    noisy = smooth + generator.normal(0, 0.1, smooth.shape)
    return noisy.clip(-1, 1).astype(np.float32)
