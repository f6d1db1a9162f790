"""The networks of the paper's tables, each once."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from paper_networks._applications import application
from paper_networks._bert import bert_large
from paper_networks._efficientdet import efficientdet_d1
from paper_networks._efficientnet_lite import efficientnet_lite0
from paper_networks._gnmt import gnmt
from paper_networks._inception_v4 import inception_v4
from paper_networks._jasper import jasper
from paper_networks._network import Network
from paper_networks._pictures import picture_samples, preparation
from paper_networks._rcnn import faster_rcnn, mask_rcnn
from paper_networks._resnet import Bottlenecks, resnet, resnext
from paper_networks._retinanet import retinanet
from paper_networks._segmentation import deeplab_v3, deeplab_v3_mobilenet_v2, fcn
from paper_networks._sequences import sentence_samples, spectrogram_samples
from paper_networks._transformer import transformer

_KERAS, _KERAS_HUB = "keras.applications", "keras-hub"


def _classifier(
    name: str,
    title: str,
    origin: str,
    preset: str,
    build: Callable[..., Any],
    *,
    margin: int | None = None,
    resample: str = "bilinear",
) -> Network:
    """A trained classifier of ImageNet; `margin` and `resample` are `preparation`'s."""
    return Network(
        name=name,
        title=title,
        origin=origin,
        task="classification",
        has_weights=True,
        build=build,
        samples=partial(picture_samples, preset=preset),
        preparation=partial(preparation, preset=preset, margin=margin, resample=resample),
    )


def _applications() -> Iterator[Network]:
    v1 = {"smoke_kind": "ResNet50", "smoke_end": "conv4_block2_out"}
    v2 = {"smoke_kind": "ResNet50V2", "smoke_end": "conv4_block2_out"}
    # name, title, preset, function, and what else `application` is given
    rows: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
        ("mobilenet_v1", "MobileNet-v1", "tf", "MobileNet", {"smoke_options": {"alpha": 0.25}}),
        ("mobilenet_v2", "MobileNet-v2", "tf", "MobileNetV2", {"smoke_options": {"alpha": 0.35}}),
        (
            "mobilenet_v2_1_4",
            "MobileNet-v2-1.4",
            "tf",
            "MobileNetV2",
            {"options": {"alpha": 1.4}, "smoke_options": {"alpha": 0.5}},
        ),
        ("nasnet_mobile", "NASNet-Mobile", "tf", "NASNetMobile", {"smoke_end": "normal_concat_5"}),
        ("inception_v3", "Inception-v3", "tf", "InceptionV3", {"size": 299, "smoke_size": 96}),
        ("resnet_v1_50", "ResNet-v1-50", "caffe", "ResNet50", v1),
        ("resnet_v1_152", "ResNet-v1-152", "caffe", "ResNet152", v1),
        ("resnet_v2_50", "ResNet-v2-50", "tf", "ResNet50V2", v2),
        ("resnet_v2_152", "ResNet-v2-152", "tf", "ResNet152V2", v2),
    )
    for name, title, preset, kind, options in rows:
        build = partial(application, kind=kind, **options)
        yield _classifier(name, title, _KERAS, preset, build)
    for name, title, kind, size in (
        ("efficientnet_b0", "EfficientNet-b0", "EfficientNetB0", 224),
        ("efficientnet_b3", "EfficientNet-b3", "EfficientNetB3", 300),
    ):
        yield _classifier(
            name,
            title,
            _KERAS,
            "raw",
            partial(application, kind=kind, size=size, smoke_end="block5b_add"),
            margin=32,
            resample="bicubic",
        )


def _resnets() -> Iterator[Network]:
    bottleneck = "bottleneck_block"
    for name, title, repeats, block, preset in (
        ("resnet18", "ResNet18", (2, 2, 2, 2), "basic_block", "resnet_18_imagenet"),
        ("resnet50_v1_5", "ResNet50-v1.5", (3, 4, 6, 3), bottleneck, "resnet_50_imagenet"),
        ("resnet152_v1_5", "ResNet152-v1.5", (3, 8, 36, 3), bottleneck, "resnet_152_imagenet"),
    ):
        build = partial(resnet, repeats=repeats, block=block, preset=preset)
        yield _classifier(name, title, _KERAS_HUB, "torch", build, resample="bicubic")
    for name, title, repeats, width in (
        ("resnext50_32x4d", "ResNeXt50", (3, 4, 6, 3), 4),
        ("resnext101_32x8d", "ResNeXt101", (3, 4, 23, 3), 8),
    ):
        build = partial(resnext, blocks=Bottlenecks(repeats=repeats, groups=32, width=width))
        origin = "written from Xie et al. 2017"
        yield _untrained(name, title, origin, "classification", build, "torch")


def _segmenters() -> Iterator[Network]:
    long, chen = "written from Long et al. 2015", "written from Chen et al. 2017"
    for name, title, origin, preset, build in (
        ("fcn", "FCN", long, "torch", fcn),
        ("deeplab_v3", "DeepLab-v3", chen, "torch", deeplab_v3),
        ("deeplab_v3_mobilenet_v2", "DeepLabV3", chen, "tf", deeplab_v3_mobilenet_v2),
    ):
        yield _untrained(name, title, origin, "segmentation", build, preset)


def _detectors() -> Iterator[Network]:
    tan = "written from Tan et al. 2020"
    for name, title, origin, preset, build in (
        ("efficientdet_d1", "EfficientDet-D1", tan, "raw", efficientdet_d1),
        ("faster_rcnn", "Faster R-CNN", "written from Ren et al. 2015", "torch", faster_rcnn),
        ("mask_rcnn", "Mask R-CNN", "written from He et al. 2017", "torch", mask_rcnn),
        ("retinanet", "RetinaNet", _KERAS_HUB, "torch", retinanet),
    ):
        yield _untrained(name, title, origin, "detection", build, preset)


def _untrained(
    name: str, title: str, origin: str, task: str, build: Callable[..., Any], preset: str
) -> Network:
    """A network of pictures without trained weights."""
    return Network(
        name=name,
        title=title,
        origin=origin,
        task=task,
        has_weights=False,
        build=build,
        samples=partial(picture_samples, preset=preset),
        preparation=None,
    )


def _sequences() -> Iterator[Network]:
    vaswani = "written from Vaswani et al. 2017"
    for name, title, origin, build, samples in (
        ("gnmt", "GNMT", "written from Wu et al. 2016", gnmt, sentence_samples),
        ("transformer", "Transformer", vaswani, transformer, sentence_samples),
        ("jasper", "Jasper", "written from Li et al. 2019", jasper, spectrogram_samples),
        ("bert_large", "BERT Large", _KERAS_HUB, bert_large, sentence_samples),
    ):
        yield Network(
            name=name,
            title=title,
            origin=origin,
            task="sequence",
            has_weights=False,
            build=build,
            samples=samples,
            preparation=None,
        )


def _networks() -> Iterator[Network]:
    yield from _applications()
    yield from _resnets()
    yield _classifier(
        "efficientnet_lite0",
        "EfficientNet-Lite",
        "tflq.demo",
        "efficientnet-lite",
        efficientnet_lite0,
        margin=32,
        resample="bicubic",
    )
    szegedy = "written from Szegedy et al. 2017"
    yield _untrained("inception_v4", "Inception-v4", szegedy, "classification", inception_v4, "tf")
    yield from _segmenters()
    yield from _detectors()
    yield from _sequences()


#: The networks by name.
NETWORKS: dict[str, Network] = {network.name: network for network in _networks()}
