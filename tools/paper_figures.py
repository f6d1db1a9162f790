"""Figures that the literature gives for the rows of the paper's four tables.

The paper takes its tables from the publications named here. Percent, but where a unit is named;
None where the publication has no figure, or none that is known for sure.

Each source says how its figures came here. "checked": read in the publication's text. "recalled":
quoted from memory, to be checked before they are cited. "quoted": as this repository's README
gives them from the paper.
"""

from dataclasses import dataclass

MARKS = {"checked": "", "recalled": "†", "quoted": "‡"}

Values = tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a table's figures come from.

    Attributes:
        text: authors, year, number and table of the publication.
        basis: one of `MARKS`.
        columns: what the values of a network are, in order; "float" is the reference.
        values: by network.
        units: by network, of values that are no top-1 in percent.
    """

    text: str
    basis: str
    columns: tuple[str, ...]
    values: dict[str, Values]
    units: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One published value, the unit it is in, and the mark of its source."""

    value: float
    unit: str
    mark: str

    def __str__(self) -> str:
        sign = "+" if self.unit == "points" else ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.value:{sign}.2f}{unit}{self.mark}"


def published(table: int, network: str, column: str) -> Figure | None:
    """The figure of a cell, or None where there is none.

    Example:
        >>> str(published(1, "mobilenet_v1", "symmetric, per channel"))
        '59.10'
    """
    for source in SOURCES[table]:
        if network in source.values and column in source.columns:
            value = source.values[network][source.columns.index(column)]
            if value is not None:
                unit, mark = source.units.get(network, ""), MARKS[source.basis]
                return Figure(value=value, unit=unit, mark=mark)
    return None


_KRISHNAMOORTHI = (
    "R. Krishnamoorthi, Quantizing deep convolutional networks for efficient inference, 2018, "
    "arXiv 1806.08342"
)
_NAGEL = "M. Nagel et al., A white paper on neural network quantization, 2021, arXiv 2106.08295"
_WU = (
    "H. Wu et al., Integer quantization for deep learning inference, 2020, arXiv 2004.09602, the "
    "table of int8 weights only, per channel"
)

_WEIGHTS_ONLY = Source(
    text=f"{_KRISHNAMOORTHI}, Table 2",
    basis="checked",
    columns=(
        "float",
        "asymmetric, per tensor",
        "symmetric, per channel",
        "asymmetric, per channel",
    ),
    values={
        "mobilenet_v1": (70.9, 0.1, 59.1, 70.4),
        "mobilenet_v2": (71.9, 0.1, 69.8, 69.8),
        "mobilenet_v2_1_4": (74.9, 0.4, 74.0, 74.0),
        "nasnet_mobile": (74.0, 72.2, 72.1, 74.0),
        "inception_v3": (78.0, 78.0, 78.0, 78.0),
        "resnet_v1_50": (75.2, 75.0, 75.1, 75.2),
        "resnet_v1_152": (76.8, 76.6, 76.3, 76.2),
        "resnet_v2_50": (75.6, 75.0, 75.0, 75.0),
        "resnet_v2_152": (77.8, 76.1, 76.0, 77.0),
    },
    units={},
)

_SCHEMES = ("w8a8-per-tensor", "w4a8-per-tensor", "w8a8", "w4a8")
_WITHOUT_TRAINING = Source(
    text=f"{_NAGEL}, the table of its pipeline without training",
    basis="recalled",
    columns=("float", *_SCHEMES),
    values={
        "resnet18": (69.68, 69.60, 68.62, 69.56, 68.91),
        "resnet_v1_50": (76.07, 75.87, 75.15, 75.88, 75.43),
        "mobilenet_v2": (71.72, 70.99, 69.21, 71.16, 69.79),
        "inception_v3": (77.40, 77.68, 76.48, 77.71, 76.82),
        "deeplab_v3_mobilenet_v2": (72.94, 72.44, 70.80, 72.27, 71.67),
        "efficientdet_d1": (40.08, 38.29, 0.31, 38.67, 35.08),
    },
    units={"deeplab_v3_mobilenet_v2": "mIoU", "efficientdet_d1": "mAP"},
)
_EFFICIENTNET_LITE = Source(
    text="the paper's Table II for EfficientNet-Lite, against float, as the README has it",
    basis="quoted",
    columns=_SCHEMES,
    values={"efficientnet_lite0": (-0.27, -4.28, -0.13, -1.51)},
    units={"efficientnet_lite0": "points"},
)

_MANY_TASKS = Source(
    text=_WU,
    basis="recalled",
    columns=("float", "w8"),
    values={
        "mobilenet_v1": (71.88, 71.59),
        "mobilenet_v2": (71.88, 71.61),
        "resnet50_v1_5": (76.16, 76.14),
        "resnet152_v1_5": (78.32, 78.28),
        "inception_v3": (77.34, 77.44),
        "inception_v4": (79.71, 79.64),
        "resnext50_32x4d": (77.61, 77.62),
        "resnext101_32x8d": (79.30, 79.29),
        "efficientnet_b0": (76.85, 76.72),
        "efficientnet_b3": (81.61, 81.55),
        "faster_rcnn": (36.95, 36.86),
        "mask_rcnn": (37.89, 37.84),
        "retinanet": (39.30, 39.20),
        "fcn": (63.70, 63.70),
        "deeplab_v3": (67.40, 67.40),
        "gnmt": (24.27, 24.41),
        "transformer": (28.27, 28.58),
        "jasper": (96.09, 96.10),
        "bert_large": (91.01, 90.94),
    },
    units={
        "faster_rcnn": "mAP",
        "mask_rcnn": "mAP",
        "retinanet": "mAP",
        "fcn": "mIoU",
        "deeplab_v3": "mIoU",
        "gnmt": "BLEU",
        "transformer": "BLEU",
        "jasper": "100 - WER",
        "bert_large": "F1",
    },
)

_TRAINED = Source(
    text=f"{_KRISHNAMOORTHI}, Table 4 (QAT) and Table 3 (PTQ), the best of their columns",
    basis="checked",
    columns=("float", "QAT", "PTQ"),
    values={
        "mobilenet_v1": (70.9, 70.7, 70.3),
        "mobilenet_v2": (71.9, 71.1, 69.8),
        "mobilenet_v2_1_4": (74.9, 74.5, 74.0),
        "nasnet_mobile": (74.0, 73.0, 74.0),
        "inception_v3": (78.0, 78.0, 78.0),
        "resnet_v1_50": (75.2, 75.0, 75.1),
        "resnet_v1_152": (76.8, 76.5, 76.7),
        "resnet_v2_50": (75.6, 75.0, 75.0),
        "resnet_v2_152": (77.8, 76.0, 76.1),
    },
    units={},
)

SOURCES: dict[int, tuple[Source, ...]] = {
    1: (_WEIGHTS_ONLY,),
    2: (_WITHOUT_TRAINING, _EFFICIENTNET_LITE),
    3: (_MANY_TASKS,),
    4: (_TRAINED,),
}
