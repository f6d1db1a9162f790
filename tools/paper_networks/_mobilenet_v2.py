"""The trunk of MobileNet-v2 with dilated last stages, which `keras.applications` doesn't have.

M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018, table 2 and
section 6.3.
"""

from typing import Any

from keras import layers

from paper_networks._blocks import conv_norm

# (expansion, channels, repeats, stride, dilation) of every stage, of 1/16 of the resolution.
_STAGES = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 2, 1),
    (6, 96, 3, 1, 1),
    (6, 160, 3, 1, 2),
    (6, 320, 1, 1, 2),
)
_EPSILON = 1e-3


def dilated_mobilenet_v2(image: Any, smoke: bool) -> Any:
    """Features of a sixteenth of the image's height and width.

    Args:
        image: what it sees.
        smoke: build the small version: at most two blocks a stage, a quarter of the channels.

    Returns:
        The output of the last stage.
    """
    narrower = 4 if smoke else 1
    x = conv_norm(image, 32 // narrower, 3, "stem", strides=2, activation="relu6", epsilon=_EPSILON)
    for stage, (expansion, channels, repeats, stride, dilation) in enumerate(_STAGES):
        for index in range(min(repeats, 2) if smoke else repeats):
            x = _inverted_residual(
                x,
                expansion,
                channels // narrower,
                stride if index == 0 else 1,
                dilation,
                f"stage{stage + 1}_block{index + 1}",
            )
    return x


def _inverted_residual(
    x: Any, expansion: int, channels: int, stride: int, dilation: int, name: str
) -> Any:
    shortcut = x
    if expansion > 1:
        wide = expansion * x.shape[-1]
        x = conv_norm(x, wide, 1, f"{name}_expand", activation="relu6", epsilon=_EPSILON)
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        dilation_rate=dilation,
        padding="same",
        use_bias=False,
        name=f"{name}_depthwise_conv",
    )(x)
    x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_depthwise_bn")(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu6")(x)
    x = conv_norm(x, channels, 1, f"{name}_project", activation=None, epsilon=_EPSILON)
    if stride == 1 and shortcut.shape[-1] == channels:
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return x
