"""Networks for tests: keras.applications with random weights and lifelike statistics, and odd ones.

Every builder returns `(model, data)`; `data` holds a few samples.
"""

import keras
import numpy as np
from keras import layers

SAMPLES = 12


def noise(*shape, seed=0):
    """Standard normal float32 samples; smooth enough to give every layer a signal."""
    return np.random.default_rng(seed).normal(size=(SAMPLES, *shape)).astype(np.float32)


def settle(model, data, seed=0):
    """Gives every BN gammas and betas as trained nets have them, and statistics of `data`."""
    rng = np.random.default_rng(seed)
    norms = [
        layer for layer in model._flatten_layers() if isinstance(layer, layers.BatchNormalization)
    ]
    for norm in norms:
        channels = norm.moving_mean.shape[0]
        if norm.scale:
            norm.gamma.assign(rng.uniform(0.6, 1.4, channels))
        if norm.center:
            norm.beta.assign(rng.normal(0, 0.3, channels))
        norm.momentum = 0.0
    if norms:
        model(data, training=True)
    return model


APPLICATIONS = {
    "MobileNet": 96,
    "MobileNetV2": 96,
    "MobileNetV3Small": 96,
    "EfficientNetB0": 96,
    "NASNetMobile": 96,
    "InceptionV3": 96,
    "ResNet50": 64,
    "ResNet50V2": 64,
    "DenseNet121": 64,
    "Xception": 96,
    "ConvNeXtTiny": 64,
}


def application(name):
    """A network of keras.applications with random weights."""
    size = APPLICATIONS[name]
    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=20)
    # These two carry their own preprocessing and expect 0..255.
    scale = 60.0 if name in ("EfficientNetB0", "MobileNetV3Small", "ConvNeXtTiny") else 1.0
    data = noise(size, size, 3) * np.float32(scale) + np.float32(2 * scale if scale > 1 else 0)
    return settle(model, data), data


def small_cnn():
    """Conv + BN + ReLU6, depthwise, residual add, dense softmax."""
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = stem = layers.ReLU(6.0, name="stem_relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="dw")(x)
    x = layers.BatchNormalization(name="dw_bn")(x)
    x = layers.ReLU(6.0, name="dw_relu")(x)
    x = layers.Conv2D(8, 1, name="project")(x)
    x = layers.Add(name="residual")([x, stem])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(10, name="logits")(x)
    x = layers.Softmax(name="probabilities")(x)
    model = keras.Model(image, x, name="small_cnn")
    data = noise(16, 16, 3)
    return settle(model, data), data


def sequence(cell):
    """Conv1D, then an unrolled recurrent layer."""
    keras.utils.set_random_seed(0)
    signal = keras.Input((12, 6), name="signal")
    x = layers.Conv1D(8, 3, padding="same", activation="relu", name="conv")(signal)
    x = getattr(layers, cell)(10, unroll=True, name="recurrent")(x)
    x = layers.Dense(4, name="logits")(x)
    return keras.Model(signal, x, name=f"conv_{cell.lower()}"), noise(12, 6)


def looped_sequence(cell):
    """As `sequence`, with the recurrent layer as a loop."""
    keras.utils.set_random_seed(0)
    signal = keras.Input((12, 6), name="signal")
    x = layers.Conv1D(8, 3, padding="same", activation="relu", name="conv")(signal)
    x = getattr(layers, cell)(10, name="recurrent")(x)
    x = layers.Dense(4, name="logits")(x)
    return keras.Model(signal, x, name=f"loop_{cell.lower()}"), noise(12, 6)


def transformer():
    """An encoder block over token ids."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((10,), dtype="int32", name="ids")
    x = layers.Embedding(50, 16, name="embedding")(ids)
    a = layers.MultiHeadAttention(2, 8, name="attention")(x, x)
    x = layers.LayerNormalization(name="norm1")(layers.Add(name="add1")([x, a]))
    f = layers.Dense(16, name="ff2")(layers.Dense(32, activation="gelu", name="ff1")(x))
    x = layers.LayerNormalization(name="norm2")(layers.Add(name="add2")([x, f]))
    x = layers.Dense(3, name="logits")(layers.GlobalAveragePooling1D(name="pool")(x))
    data = np.random.default_rng(0).integers(0, 50, size=(SAMPLES, 10)).astype(np.int32)
    return keras.Model(ids, x, name="transformer"), data


def unet():
    """Transposed convolution, upsampling and concatenation."""
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    a = layers.Conv2D(8, 3, padding="same", activation="relu", name="down1")(image)
    b = layers.Conv2D(12, 3, padding="same", activation="relu", name="down2")(
        layers.MaxPooling2D()(a)
    )
    c = layers.Conv2D(16, 3, padding="same", activation="relu", name="bottom")(
        layers.MaxPooling2D()(b)
    )
    x = layers.Conv2DTranspose(12, 3, strides=2, padding="same", name="up2")(c)
    x = layers.Concatenate(name="skip2")([x, b])
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="merge2")(x)
    x = layers.UpSampling2D(interpolation="bilinear", name="up1")(x)
    x = layers.Concatenate(name="skip1")([x, a])
    x = layers.Conv2D(4, 1, name="mask")(x)
    return keras.Model(image, x, name="unet"), noise(16, 16, 3)


def two_by_two():
    """Two inputs of different shapes, two outputs; alphabetical order is not the model's."""
    keras.utils.set_random_seed(0)
    picture = keras.Input((8, 8, 3), name="picture")
    facts = keras.Input((5,), name="facts")
    p = layers.Flatten()(layers.Conv2D(4, 3, activation="relu", name="look")(picture))
    f = layers.Dense(6, activation="relu", name="read")(facts)
    joined = layers.Concatenate(name="join")([p, f])
    kind = layers.Dense(3, activation="softmax", name="kind")(joined)
    age = layers.Dense(1, name="age")(joined)
    model = keras.Model([picture, facts], [kind, age], name="two_by_two")
    return model, {"picture": noise(8, 8, 3), "facts": noise(5, seed=1)}


class Subclassed(keras.Model):
    """A model whose graph only its call() knows."""

    def __init__(self):
        super().__init__(name="subclassed")
        self.conv = layers.Conv2D(6, 3, activation="relu", name="conv")
        self.head = layers.Dense(4, name="head")

    def call(self, x):
        x = self.conv(x)
        return self.head(keras.ops.mean(x, axis=(1, 2)))


def subclassed():
    """A built `Subclassed`."""
    keras.utils.set_random_seed(0)
    model = Subclassed()
    data = noise(8, 8, 3)
    model(data[:1])
    return model, data


def nested():
    """A backbone model inside a model."""
    keras.utils.set_random_seed(0)
    inner_in = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, activation="relu", name="inner_conv")(inner_in)
    backbone = keras.Model(inner_in, y, name="backbone")
    image = keras.Input((8, 8, 3), name="image")
    x = layers.GlobalMaxPooling2D(name="pool")(backbone(image))
    return keras.Model(image, layers.Dense(3, name="logits")(x), name="nested"), noise(8, 8, 3)


def shared_layer():
    """One convolution used twice."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    conv = layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")
    x = layers.GlobalAveragePooling2D()(conv(conv(image)))
    return keras.Model(image, layers.Dense(3, name="logits")(x), name="shared"), noise(8, 8, 3)


ODD = {
    "small_cnn": small_cnn,
    "conv_lstm": lambda: sequence("LSTM"),
    "conv_gru": lambda: sequence("GRU"),
    "loop_lstm": lambda: looped_sequence("LSTM"),
    "loop_gru": lambda: looped_sequence("GRU"),
    "transformer": transformer,
    "unet": unet,
    "two_by_two": two_by_two,
    "subclassed": subclassed,
    "nested": nested,
    "shared_layer": shared_layer,
}
