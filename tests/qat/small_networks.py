"""One tiny network for every kind of layer that is quantized; `LAYERS[name]()` builds it."""

import keras
import numpy as np
from keras import layers, ops

ROWS = 16
IMAGE, SEQUENCE, VECTOR = (8, 8, 3), (6, 5), (7,)


def noise(*shape, rows=ROWS, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, *shape)).astype(np.float32)


def data_for(model, seed=0):
    """Standard normal samples, or small integers, for every input: an array or a dict of them."""
    rng = np.random.default_rng(seed)
    found = {}
    for tensor in model.inputs:
        shape = (ROWS, *(n or 6 for n in tensor.shape[1:]))
        integer = "int" in str(tensor.dtype)
        value = rng.integers(0, 9, shape) if integer else rng.normal(size=shape)
        found[tensor.name] = value.astype(str(tensor.dtype))
    return found if len(found) > 1 else next(iter(found.values()))


def shake(model, seed=0):
    """Biases, gammas, betas and statistics that are no longer zeros and ones."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        name, value = variable.path.split("/")[-1], np.asarray(variable)
        if name in ("bias", "beta", "moving_mean"):
            variable.assign(value + rng.normal(0, 0.2, value.shape))
        elif name in ("gamma", "moving_variance"):
            variable.assign(value * rng.uniform(0.6, 1.4, value.shape))
    return model


def _net(shape, body, dtype="float32"):
    def build():
        keras.utils.set_random_seed(1)
        given = keras.Input(shape, dtype=dtype, name="given")
        return shake(keras.Model(given, body(given), name="small"))

    return build


def _image(*between, head=True):
    """A convolution, layers, a mean, a dense layer."""

    def body(x):
        x = layers.Conv2D(4, 3, padding="same", name="first")(x)
        for make in between:
            x = make(x)
        return layers.Dense(3, name="last")(layers.GlobalAveragePooling2D()(x)) if head else x

    return _net(IMAGE, body)


def _sequence(*between, shape=SEQUENCE):
    def body(x):
        for make in between:
            x = make(x)
        return layers.Dense(3, name="last")(x)

    return _net(shape, body)


def _norm(x):
    return layers.BatchNormalization()(x)


def _two(join):
    def body(x):
        a = layers.Conv2D(4, 3, padding="same", name="a")(x)
        b = layers.Conv2D(4, 1, activation="relu", name="b")(x)
        return layers.Conv2D(2, 1, name="last")(join([a, b]))

    return _net(IMAGE, body)


def _embedding(x):
    return layers.Dense(3)(layers.GlobalAveragePooling1D()(layers.Embedding(9, 6, name="table")(x)))


def _attention(x):
    y = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    return layers.Dense(3)(layers.Add()([x, y]))


def _causal(x):
    y = layers.MultiHeadAttention(2, 4, dropout=0.1, name="attention")(x, x, use_causal_mask=True)
    return layers.Dense(3)(y)


def _squeeze_and_excite(x):
    x = layers.Conv2D(4, 3, padding="same", name="first")(x)
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(
        layers.Conv2D(2, 1, activation="relu", name="squeeze")(s)
    )
    return layers.Conv2D(2, 1, name="last")(layers.Multiply()([x, s]))


def _slices(x):
    x = layers.Conv2D(4, 1, name="first")(x)
    return layers.Conv2D(2, 1, name="last")(ops.add(x[:, 1:5, :4], x[:, 2:6, 4:]))


def _operations(x):
    x = layers.Conv2D(4, 1, name="first")(x)
    y = ops.relu(x * 2.0 + 1.0)
    z = ops.concatenate([ops.maximum(x, y), ops.transpose(y, (0, 2, 1, 3))], axis=-1)
    return layers.Dense(2, name="last")(ops.reshape(ops.mean(z, axis=(1, 2)), (-1, 8)))


def _nested(x):
    inner = keras.Sequential(
        [
            keras.Input(IMAGE),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
        ],
        name="backbone",
    )
    return layers.Dense(2)(layers.GlobalMaxPooling2D()(inner(x)))


def _shared(x):
    conv = layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")
    return layers.Dense(2)(layers.GlobalAveragePooling2D()(conv(conv(x))))


def _shared_with_norm(x):
    conv, norm = layers.Conv2D(3, 3, padding="same", name="conv"), layers.BatchNormalization()
    first = norm(conv(x))
    return layers.Conv2D(2, 1)(layers.Add()([first, norm(conv(layers.ReLU()(x)))]))


def _residual(x):
    a = layers.Conv2D(4, 3, padding="same", name="a")(x)
    b = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, padding="same", name="b")(a))
    return layers.Conv2D(2, 1, name="last")(layers.ReLU()(layers.Add()([a, b])))


def _softmax_beside_convolution(x):
    a = layers.Conv2D(4, 3, padding="same", name="a")(x)
    b = layers.Softmax(name="probabilities")(layers.Conv2D(4, 1, name="b")(x))
    return layers.Conv2D(2, 1, name="last")(layers.Concatenate(name="join")([a, b]))


def several():
    """Two inputs and three outputs, as dicts."""
    keras.utils.set_random_seed(1)
    picture, facts = keras.Input(IMAGE, name="picture"), keras.Input(VECTOR, name="facts")
    p = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(picture))
    f = layers.Dense(4, activation="relu")(facts)
    joined = layers.Concatenate()([p, f])
    outputs = {
        "kind": layers.Dense(3, activation="softmax", name="kind")(joined),
        "age": layers.Dense(1, name="age")(joined),
        "features": joined,
    }
    return shake(keras.Model({"picture": picture, "facts": facts}, outputs, name="several"))


def listed():
    """Two inputs and two outputs, as lists."""
    keras.utils.set_random_seed(1)
    a, b = keras.Input(VECTOR, name="zeta"), keras.Input(VECTOR, name="alpha")
    x = layers.Subtract()([layers.Dense(4, name="a")(a), layers.Dense(4, name="b")(b)])
    return shake(keras.Model([a, b], [x, layers.Dense(2, name="last")(x)], name="listed"))


def sequential():
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input(IMAGE, name="given"),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    return shake(model)


# Those with int8 kernels, or made of such, and those that stay float inside.
INTEGER_ACTIVATIONS = [
    "relu",
    "relu6",
    "leaky_relu",
    "silu",
    "hard_silu",
    "gelu",
    "sigmoid",
    "tanh",
    "softmax",
    "log_softmax",
    "hard_sigmoid",
    "hard_tanh",
    "exponential",
    "soft_shrink",
    "linear",
]
FLOAT_ACTIVATIONS = [
    "elu",
    "selu",
    "softplus",
    "softsign",
    "mish",
    "log_sigmoid",
    "celu",
    "glu",
    "tanh_shrink",
    "squareplus",
    "hard_shrink",
]


def _activations(names):
    """All of them behind one convolution, each an output; as layers and as a kernel's own."""

    def body(x):
        x = layers.Conv2D(4, 3, padding="same", name="first")(x)
        return {name: layers.Activation(name, name=name)(x) for name in names}

    return _net(IMAGE, body)


LAYERS = {
    "Conv1D": _sequence(lambda x: layers.Conv1D(4, 3, padding="causal", activation="relu")(x)),
    "Conv2D": _image(),
    "Conv2D strided, no bias": _image(
        lambda x: layers.Conv2D(4, 3, strides=2, use_bias=False, activation="relu6")(x)
    ),
    "Conv2D grouped": _image(lambda x: layers.Conv2D(6, 3, groups=2)(x)),
    "Conv2D dilated": _image(lambda x: layers.Conv2D(4, 3, dilation_rate=2)(x)),
    "DepthwiseConv2D": _image(lambda x: layers.DepthwiseConv2D(3, depth_multiplier=2)(x)),
    "DepthwiseConv1D": _sequence(lambda x: layers.DepthwiseConv1D(3)(x)),
    "SeparableConv2D": _image(lambda x: layers.SeparableConv2D(4, 3, activation="relu")(x)),
    "SeparableConv1D": _sequence(lambda x: layers.SeparableConv1D(4, 3)(x)),
    "Conv2DTranspose": _image(lambda x: layers.Conv2DTranspose(3, 3, strides=2)(x)),
    "Conv1DTranspose": _sequence(lambda x: layers.Conv1DTranspose(3, 3, strides=2)(x)),
    "Dense": _net(VECTOR, lambda x: layers.Dense(3)(layers.Dense(5, activation="relu")(x))),
    "Dense of images": _image(lambda x: layers.Dense(5, activation="relu")(x)),
    "EinsumDense": _sequence(
        lambda x: layers.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d", activation="relu")(x)
    ),
    "EinsumDense heads": _sequence(
        lambda x: layers.EinsumDense("abc,chd->abhd", (None, 2, 4), bias_axes="hd")(x),
        lambda x: layers.EinsumDense("abhd,hdc->abc", (None, 5))(x),
    ),
    "MultiHeadAttention": _net(SEQUENCE, _attention),
    "MultiHeadAttention causal": _net(SEQUENCE, _causal),
    "Embedding": _net((6,), _embedding, dtype="int32"),
    "BatchNormalization": _image(_norm),
    "BatchNormalization relu": _image(_norm, lambda x: layers.ReLU()(x)),
    "BatchNormalization first": _net(
        IMAGE, lambda x: layers.Conv2D(3, 3)(layers.BatchNormalization()(x))
    ),
    "BatchNormalization of vectors": _net(
        VECTOR, lambda x: layers.Dense(3)(layers.BatchNormalization()(x))
    ),
    "BatchNormalization of sequences": _sequence(lambda x: layers.BatchNormalization()(x)),
    "BatchNormalization after relu": _image(lambda x: layers.ReLU()(x), _norm),
    "BatchNormalization last": _image(lambda x: layers.ReLU()(x), _norm, head=False),
    "LayerNormalization": _sequence(lambda x: layers.LayerNormalization()(x)),
    "GroupNormalization": _image(lambda x: layers.GroupNormalization(2)(x)),
    "UnitNormalization": _sequence(lambda x: layers.UnitNormalization()(x)),
    "Normalization": _net(
        VECTOR, lambda x: layers.Dense(3)(layers.Normalization(mean=0.1, variance=2.0)(x))
    ),
    "ReLU": _image(lambda x: layers.ReLU()(x)),
    "ReLU6": _image(lambda x: layers.ReLU(6.0)(x)),
    "ReLU1": _image(lambda x: layers.ReLU(1.0)(x)),
    "LeakyReLU": _image(lambda x: layers.LeakyReLU()(x)),
    "PReLU": _image(lambda x: layers.PReLU(shared_axes=[1, 2], alpha_initializer="ones")(x)),
    "ELU": _image(lambda x: layers.ELU()(x)),
    "Softmax": _image(lambda x: layers.Softmax()(x)),
    "conv with silu": _image(lambda x: layers.Conv2D(4, 1, activation="silu")(x)),
    "conv with tanh": _image(lambda x: layers.Conv2D(4, 1, activation="tanh")(x)),
    "conv with relu, then norm": _image(lambda x: layers.Conv2D(4, 1, activation="relu")(x), _norm),
    "Add": _two(lambda v: layers.Add()(v)),
    "Add relu": _two(lambda v: layers.ReLU()(layers.Add()(v))),
    "Subtract": _two(lambda v: layers.Subtract()(v)),
    "Multiply": _two(lambda v: layers.Multiply()(v)),
    "Concatenate": _two(lambda v: layers.Concatenate()(v)),
    "Average": _two(lambda v: layers.Average()(v)),
    "Maximum": _two(lambda v: layers.Maximum()(v)),
    "Minimum": _two(lambda v: layers.Minimum()(v)),
    "BN after Concatenate": _two(lambda v: _norm(layers.Concatenate()(v))),
    "BN after Add": _two(lambda v: layers.ReLU()(_norm(layers.Add()(v)))),
    "Dot": _net(VECTOR, lambda x: layers.Dot(axes=1)([layers.Dense(4)(x), layers.Dense(4)(x)])),
    "MaxPooling2D": _image(lambda x: layers.MaxPooling2D()(x)),
    "AveragePooling2D": _image(lambda x: layers.AveragePooling2D(2, padding="same")(x), head=False),
    "AveragePooling2D relu": _image(
        lambda x: layers.ReLU()(layers.AveragePooling2D(2)(x)), lambda x: layers.Conv2D(3, 1)(x)
    ),
    "AveragePooling2D relu twice": _image(
        lambda x: layers.ReLU(6.0)(layers.AveragePooling2D(2)(x)),
        lambda x: layers.Concatenate()([x, layers.ReLU()(layers.AveragePooling2D(1)(x))]),
    ),
    "AveragePooling1D relu": _net(
        SEQUENCE,
        lambda x: layers.ReLU()(layers.AveragePooling1D(2)(layers.Conv1D(4, 3)(x))),
    ),
    "GlobalMaxPooling2D": _net(
        IMAGE, lambda x: layers.Dense(2)(layers.GlobalMaxPooling2D()(layers.Conv2D(4, 3)(x)))
    ),
    "MaxPooling1D": _sequence(
        lambda x: layers.Conv1D(4, 3)(x), lambda x: layers.MaxPooling1D(2)(x)
    ),
    "AveragePooling1D": _net(
        SEQUENCE, lambda x: layers.AveragePooling1D(2)(layers.Conv1D(4, 3)(x))
    ),
    "GlobalAveragePooling1D": _sequence(lambda x: layers.GlobalAveragePooling1D()(x)),
    "GlobalMaxPooling1D": _sequence(lambda x: layers.GlobalMaxPooling1D()(x)),
    "ZeroPadding2D": _image(lambda x: layers.ZeroPadding2D(1)(x), lambda x: layers.Conv2D(4, 3)(x)),
    "Cropping2D": _image(lambda x: layers.Cropping2D(1)(x)),
    "UpSampling2D nearest": _image(lambda x: layers.UpSampling2D()(x), head=False),
    "UpSampling2D bilinear": _image(
        lambda x: layers.UpSampling2D(interpolation="bilinear")(x), head=False
    ),
    "Resizing": _image(lambda x: layers.Resizing(12, 10)(x), head=False),
    "Rescaling": _net(IMAGE, lambda x: layers.Conv2D(3, 3)(layers.Rescaling(0.5, offset=-1.0)(x))),
    "Reshape, Permute, Flatten": _net(
        SEQUENCE,
        lambda x: layers.Dense(3)(
            layers.Flatten()(layers.Permute((2, 1))(layers.Reshape((10, 3))(layers.Dense(5)(x))))
        ),
    ),
    "RepeatVector": _net(VECTOR, lambda x: layers.Dense(3)(layers.RepeatVector(2)(x))),
    "slices": _net(IMAGE, _slices),
    "operations": _net(IMAGE, _operations),
    "LSTM": _sequence(lambda x: layers.LSTM(4, unroll=True)(x)),
    "LSTM loop": _sequence(lambda x: layers.LSTM(4)(x)),
    "GRU": _sequence(lambda x: layers.GRU(4, unroll=True)(x)),
    "SimpleRNN": _sequence(lambda x: layers.SimpleRNN(4, unroll=True)(x)),
    "Bidirectional": _sequence(lambda x: layers.Bidirectional(layers.LSTM(3, unroll=True))(x)),
    "TimeDistributed": _sequence(lambda x: layers.TimeDistributed(layers.Dense(4))(x)),
    "TimeDistributed conv": _sequence(
        lambda x: layers.TimeDistributed(layers.Conv2D(4, 3, activation="relu"))(x),
        lambda x: layers.TimeDistributed(layers.GlobalAveragePooling2D())(x),
        shape=(3, 6, 6, 2),
    ),
    "Dropout": _image(lambda x: layers.Dropout(0.3)(x)),
    "GaussianNoise": _image(lambda x: layers.GaussianNoise(0.3)(x)),
    "squeeze and excite": _net(IMAGE, _squeeze_and_excite),
    "nested": _net(IMAGE, _nested),
    "shared": _net(IMAGE, _shared),
    "shared with its norm": _net(IMAGE, _shared_with_norm),
    "residual": _net(IMAGE, _residual),
    "softmax beside convolution": _net(IMAGE, _softmax_beside_convolution),
    "several": several,
    "listed": listed,
    "sequential": sequential,
    "integer activations": _activations(INTEGER_ACTIVATIONS),
    "float activations": _activations(FLOAT_ACTIVATIONS),
}
