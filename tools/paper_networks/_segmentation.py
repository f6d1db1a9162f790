"""FCN and DeepLab-v3: a label for every pixel.

J. Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2015; L.-C. Chen et al.,
"Rethinking Atrous Convolution for Semantic Image Segmentation", 2017. With ResNet-101 they are
torchvision's `fcn_resnet101` and `deeplabv3_resnet101`, without the auxiliary classifier that only
training uses. The outputs are logits at the size of the picture; the largest one names the class.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from paper_networks._blocks import check_no_weights, conv_norm
from paper_networks._mobilenet_v2 import dilated_mobilenet_v2
from paper_networks._resnet import Bottlenecks, bottleneck_stages

# Pascal VOC has 20 classes and the background.
_CLASSES = 21
_SMOKE_SIZE = 64
_RESNET_101 = Bottlenecks(repeats=(3, 4, 23, 3), dilations=(1, 1, 2, 4))
_SMOKE_RESNET = Bottlenecks(repeats=(1, 1, 2, 1), channels=16, width=16, dilations=(1, 1, 2, 4))


def fcn(smoke: bool, weights: str | None = None) -> Any:
    """FCN on a dilated ResNet-101.

    Args:
        smoke: build the small version: few blocks, a quarter of the channels.
        weights: None; there are none.

    Returns:
        A model from pictures to logits of pixels.
    """
    check_no_weights(weights)
    image, x = _resnet_101(smoke)
    x = conv_norm(x, x.shape[-1] // 4, 3, "head")
    x = layers.Dropout(0.1, name="head_dropout")(x)
    return keras.Model(image, _pixels(x, image.shape[1]), name="fcn")


def deeplab_v3(smoke: bool, weights: str | None = None) -> Any:
    """DeepLab-v3 on a dilated ResNet-101.

    Args:
        smoke: build the small version: few blocks, a quarter of the channels.
        weights: None; there are none.

    Returns:
        A model from pictures to logits of pixels.
    """
    check_no_weights(weights)
    image, x = _resnet_101(smoke)
    channels = 64 if smoke else 256
    x = _spatial_pyramid(x, channels, rates=(2, 3, 4) if smoke else (12, 24, 36))
    x = conv_norm(x, channels, 3, "head")
    return keras.Model(image, _pixels(x, image.shape[1]), name="deeplab_v3")


def deeplab_v3_mobilenet_v2(smoke: bool, weights: str | None = None) -> Any:
    """DeepLab-v3 on MobileNet-v2 at a sixteenth of the resolution.

    Args:
        smoke: build the small version: few blocks, a quarter of the channels.
        weights: None; there are none.

    Returns:
        A model from pictures to logits of pixels.
    """
    check_no_weights(weights)
    size = _SMOKE_SIZE if smoke else 512
    image = keras.Input((size, size, 3), name="image")
    x = dilated_mobilenet_v2(image, smoke)
    x = _spatial_pyramid(x, 64 if smoke else 256, rates=(1, 2, 3) if smoke else (6, 12, 18))
    return keras.Model(image, _pixels(x, size), name="deeplab_v3_mobilenet_v2")


def _resnet_101(smoke: bool) -> tuple[Any, Any]:
    """The picture, and what the dilated trunk makes of it."""
    size = _SMOKE_SIZE if smoke else 520
    image = keras.Input((size, size, 3), name="image")
    return image, bottleneck_stages(image, _SMOKE_RESNET if smoke else _RESNET_101)[-1]


def _spatial_pyramid(x: Any, channels: int, rates: Sequence[int]) -> Any:
    """Atrous spatial pyramid pooling: context of several sizes, and of the whole picture."""
    _, height, width, _ = x.shape
    branches = [conv_norm(x, channels, 1, "pyramid_point")]
    for rate in rates:
        branches.append(conv_norm(x, channels, 3, f"pyramid_rate{rate}", dilation_rate=rate))
    whole = layers.GlobalAveragePooling2D(keepdims=True, name="pyramid_pool")(x)
    whole = conv_norm(whole, channels, 1, "pyramid_whole")
    branches.append(layers.UpSampling2D((height, width), name="pyramid_spread")(whole))
    x = layers.Concatenate(name="pyramid")(branches)
    x = conv_norm(x, channels, 1, "pyramid_project")
    return layers.Dropout(0.5, name="pyramid_dropout")(x)


def _pixels(x: Any, size: int) -> Any:
    """Logits for every pixel of the picture."""
    x = layers.Conv2D(_CLASSES, 1, name="classes")(x)
    factor = size // x.shape[1]
    return layers.UpSampling2D(factor, interpolation="bilinear", name="logits")(x)
