"""ResNets with the stride on their 3x3 convolutions ("v1.5"), and ResNeXts.

K. He et al., "Deep Residual Learning for Image Recognition", 2016; "v1.5" is how torchvision and
NVIDIA write it. S. Xie et al., "Aggregated Residual Transformations for Deep Neural Networks",
2017, makes the 3x3 convolutions grouped. L.-C. Chen et al., "Rethinking Atrous Convolution for
Semantic Image Segmentation", 2017, dilates the last stages in place of striding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from paper_networks._blocks import check_no_weights, conv_norm

_SMOKE_SIZE, _SMOKE_CLASSES = 64, 20


@dataclass(frozen=True, kw_only=True)
class Bottlenecks:
    """The bottleneck blocks of a ResNet or ResNeXt.

    Attributes:
        repeats: blocks of each of the four stages.
        channels: of the stem; the first stage gives four times as many, each later one doubles.
        groups: of the 3x3 convolutions.
        width: channels of each group in the first stage; each later stage doubles them.
        dilations: of the four stages; a dilated stage has no stride.
    """

    repeats: Sequence[int]
    channels: int = 64
    groups: int = 1
    width: int = 64
    dilations: Sequence[int] = (1, 1, 1, 1)


def resnet(
    smoke: bool,
    weights: str | None = None,
    *,
    repeats: Sequence[int],
    block: str,
    preset: str,
) -> Any:
    """A ResNet of keras-hub, which has the stride on the 3x3 convolution.

    Args:
        smoke: build the small version, with few channels, and one block in the last two
            stages.
        weights: None or "imagenet", which stands for keras-hub's preset.
        repeats: blocks of each stage.
        block: "basic_block" or "bottleneck_block".
        preset: keras-hub's name of the trained weights.

    Returns:
        A model from pictures to logits.
    """
    from keras_hub.models import ImageClassifier, ResNetBackbone

    small = smoke and weights is None
    size = _SMOKE_SIZE if small else 224
    # keras-hub leaves the size open and the input without a name.
    image = keras.Input((size, size, 3), name="image")
    if weights is not None:
        pretrained = ImageClassifier.from_preset(preset, preprocessor=None)
        return keras.Model(image, pretrained(image), name="resnet")
    backbone = ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 128, 128] if small else [64, 128, 256, 512],
        stackwise_num_blocks=[2, 2, 1, 1] if small else list(repeats),
        stackwise_num_strides=[1, 2, 2, 2],
        block_type=block,
        image_shape=(size, size, 3),
    )
    x = layers.GlobalAveragePooling2D(name="pool")(backbone(image))
    logits = layers.Dense(_SMOKE_CLASSES if small else 1000, name="logits")(x)
    return keras.Model(image, logits, name="resnet")


def resnext(smoke: bool, weights: str | None = None, *, blocks: Bottlenecks) -> Any:
    """A ResNeXt.

    Args:
        smoke: build the small version, of one or two blocks a stage with an eighth of the groups.
        weights: None; there are none.
        blocks: those of the true size.

    Returns:
        A model from pictures to logits.
    """
    check_no_weights(weights)
    if smoke:
        blocks = Bottlenecks(repeats=(1, 2, 1, 1), groups=blocks.groups // 8, width=blocks.width)
    size = _SMOKE_SIZE if smoke else 224
    image = keras.Input((size, size, 3), name="image")
    x = layers.GlobalAveragePooling2D(name="pool")(bottleneck_stages(image, blocks)[-1])
    logits = layers.Dense(_SMOKE_CLASSES if smoke else 1000, name="logits")(x)
    return keras.Model(image, logits, name="resnext")


def bottleneck_stages(image: Any, blocks: Bottlenecks) -> list[Any]:
    """The stem and the four stages.

    Args:
        image: what they see.
        blocks: what the stages consist of.

    Returns:
        The outputs of the four stages.
    """
    x = layers.ZeroPadding2D(3, name="stem_pad")(image)
    x = conv_norm(x, blocks.channels, 7, "stem", strides=2, padding="valid")
    # After a ReLU, zeros are as good as the minus infinities that pooling asks for.
    x = layers.ZeroPadding2D(1, name="pool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    stages = []
    for stage, (repeats, dilation) in enumerate(zip(blocks.repeats, blocks.dilations, strict=True)):
        for index in range(repeats):
            first = index == 0 and stage > 0
            stride = 2 if first and dilation == 1 else 1
            x = _bottleneck(
                x, blocks, stage, stride, dilation, f"stage{stage + 1}_block{index + 1}"
            )
        stages.append(x)
    return stages


def _bottleneck(
    x: Any, blocks: Bottlenecks, stage: int, stride: int, dilation: int, name: str
) -> Any:
    inner = blocks.groups * blocks.width * 2**stage
    outer = 4 * blocks.channels * 2**stage
    shortcut = x
    if stride > 1 or x.shape[-1] != outer:
        shortcut = conv_norm(x, outer, 1, f"{name}_shortcut", activation=None, strides=stride)
    x = conv_norm(x, inner, 1, f"{name}_reduce")
    if stride > 1:
        # Keras would pad strided convolutions below and on the right only.
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    x = conv_norm(
        x,
        inner,
        3,
        f"{name}_middle",
        strides=stride,
        padding="valid" if stride > 1 else "same",
        dilation_rate=dilation,
        groups=blocks.groups,
    )
    x = conv_norm(x, outer, 1, f"{name}_expand", activation=None)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)
