"""RetinaNet on ResNet-50, of keras-hub.

T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017. Anchors, the decoding of boxes and
non-maximum suppression, which run in float behind the network, are left out.
"""

from typing import Any

import keras

from paper_networks._blocks import check_no_weights

# Labels of COCO, whose numbers have gaps, and the background.
_CLASSES = 91


def retinanet(smoke: bool, weights: str | None = None) -> Any:
    """RetinaNet.

    Args:
        smoke: build the small version: few blocks, few channels, heads of two layers.
        weights: None; there are none.

    Returns:
        A model from pictures to offsets of boxes and logits of classes, one row an anchor.
    """
    from keras_hub.models import ResNetBackbone, RetinaNetBackbone, RetinaNetObjectDetector

    check_no_weights(weights)
    size = 64 if smoke else 800
    encoder = ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 128, 128] if smoke else [64, 128, 256, 512],
        stackwise_num_blocks=[1, 2, 1, 1] if smoke else [3, 4, 6, 3],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="bottleneck_block",
        image_shape=(size, size, 3),
    )
    backbone = RetinaNetBackbone(
        image_encoder=encoder, min_level=3, max_level=7, use_p5=False, image_shape=(size, size, 3)
    )
    detector = RetinaNetObjectDetector(
        backbone=backbone,
        num_classes=_CLASSES,
        bounding_box_format="xyxy",
        pre_logits_num_conv_layers=2 if smoke else 4,
    )
    image = keras.Input((size, size, 3), name="image")
    found = detector(image)
    return keras.Model(image, [found["bbox_regression"], found["cls_logits"]], name="retinanet")
