"""Inception-v4.

C. Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning", 2017, figures 3 to 9.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from paper_networks._blocks import check_no_weights, conv_norm

# A convolution: channels, height and width of its kernel; "/" strides by 2 without padding.
_Conv = tuple[int, int, int] | tuple[int, int, int, str]
# A block: for each branch its convolutions, and whether average pooling comes first.
_A: tuple[tuple[bool, Sequence[_Conv]], ...] = (
    (False, [(96, 1, 1)]),
    (False, [(64, 1, 1), (96, 3, 3)]),
    (False, [(64, 1, 1), (96, 3, 3), (96, 3, 3)]),
    (True, [(96, 1, 1)]),
)
_B: tuple[tuple[bool, Sequence[_Conv]], ...] = (
    (False, [(384, 1, 1)]),
    (False, [(192, 1, 1), (224, 1, 7), (256, 7, 1)]),
    (False, [(192, 1, 1), (192, 1, 7), (224, 7, 1), (224, 1, 7), (256, 7, 1)]),
    (True, [(128, 1, 1)]),
)
# Each reduction also has a branch of max pooling.
_REDUCTION_A: tuple[Sequence[_Conv], ...] = (
    [(384, 3, 3, "/")],
    [(192, 1, 1), (224, 3, 3), (256, 3, 3, "/")],
)
_REDUCTION_B: tuple[Sequence[_Conv], ...] = (
    [(192, 1, 1), (192, 3, 3, "/")],
    [(256, 1, 1), (256, 1, 7), (320, 7, 1), (320, 3, 3, "/")],
)
_EPSILON = 1e-3
# What the small version divides all channels by.
_NARROWER = 4


def inception_v4(smoke: bool, weights: str | None = None) -> Any:
    """Inception-v4.

    Args:
        smoke: build the small version: one block of each kind, a quarter of the channels.
        weights: None; there are none.

    Returns:
        A model from pictures to logits.
    """
    check_no_weights(weights)
    narrower, repeats, size = (_NARROWER, (1, 1, 1), 96) if smoke else (1, (4, 7, 3), 299)
    image = keras.Input((size, size, 3), name="image")
    x = _stem(image, narrower)
    for index in range(repeats[0]):
        x = _inception(x, _A, f"a{index}", narrower)
    x = _reduction(x, _REDUCTION_A, "reduction_a", narrower)
    for index in range(repeats[1]):
        x = _inception(x, _B, f"b{index}", narrower)
    x = _reduction(x, _REDUCTION_B, "reduction_b", narrower)
    for index in range(repeats[2]):
        x = _inception_c(x, f"c{index}", narrower)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    return keras.Model(
        image, layers.Dense(20 if smoke else 1000, name="logits")(x), name="inception_v4"
    )


def _stem(image: Any, narrower: int) -> Any:
    x = _chain(image, [(32, 3, 3, "/")], "stem1", narrower)
    # Two convolutions of the stem have no padding, though they don't stride.
    x = _conv(x, 32 // narrower, (3, 3), "stem2", padding="valid")
    x = _conv(x, 64 // narrower, (3, 3), "stem3")
    x = _reduction(x, ([(96, 3, 3, "/")],), "stem4", narrower)
    short = _conv(x, 64 // narrower, (1, 1), "stem5_short1")
    short = _conv(short, 96 // narrower, (3, 3), "stem5_short2", padding="valid")
    long = _chain(x, [(64, 1, 1), (64, 7, 1), (64, 1, 7)], "stem5_long", narrower)
    long = _conv(long, 96 // narrower, (3, 3), "stem5_long4", padding="valid")
    x = layers.Concatenate(name="stem5")([short, long])
    return _reduction(x, ([(192, 3, 3, "/")],), "stem6", narrower)


def _inception(
    x: Any, branches: tuple[tuple[bool, Sequence[_Conv]], ...], name: str, narrower: int
) -> Any:
    outputs = []
    for index, (pooled, convs) in enumerate(branches):
        start = x
        if pooled:
            start = layers.AveragePooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
        outputs.append(_chain(start, convs, f"{name}_branch{index}", narrower))
    return layers.Concatenate(name=name)(outputs)


def _inception_c(x: Any, name: str, narrower: int) -> Any:
    """The block whose longer branches fork at their ends."""
    pooled = layers.AveragePooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    middle = _chain(x, [(384, 1, 1)], f"{name}_middle", narrower)
    long = _chain(x, [(384, 1, 1), (448, 1, 3), (512, 3, 1)], f"{name}_long", narrower)
    outputs = [
        _chain(pooled, [(256, 1, 1)], f"{name}_pooled", narrower),
        _chain(x, [(256, 1, 1)], f"{name}_short", narrower),
    ]
    for branch, start in (("middle", middle), ("long", long)):
        for height, width in ((1, 3), (3, 1)):
            end = f"{name}_{branch}_{height}x{width}_"
            outputs.append(_chain(start, [(256, height, width)], end, narrower))
    return layers.Concatenate(name=name)(outputs)


def _reduction(x: Any, branches: tuple[Sequence[_Conv], ...], name: str, narrower: int) -> Any:
    outputs = [layers.MaxPooling2D(3, strides=2, name=f"{name}_pool")(x)]
    for index, convs in enumerate(branches):
        outputs.append(_chain(x, convs, f"{name}_branch{index}", narrower))
    return layers.Concatenate(name=name)(outputs)


def _chain(x: Any, convs: Sequence[_Conv], name: str, narrower: int) -> Any:
    for index, (channels, height, width, *stride) in enumerate(convs):
        options = {"strides": 2, "padding": "valid"} if stride else {}
        x = _conv(x, channels // narrower, (height, width), f"{name}_{index}", **options)
    return x


def _conv(x: Any, channels: int, kernel: tuple[int, int], name: str, **options: Any) -> Any:
    return conv_norm(x, channels, kernel, name, epsilon=_EPSILON, **options)
