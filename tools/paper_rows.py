"""What the four tables hold: networks, columns, and how a column's file is made."""

from dataclasses import dataclass

from tflq.affine import Mode


@dataclass(frozen=True, kw_only=True)
class Rounded:
    """The float file with its weights rounded to 8 bits and back; activations stay float."""

    mode: Mode
    per_channel: bool


@dataclass(frozen=True, kw_only=True)
class Exported:
    """`tflq.export` without training; `best` takes the best recipe, or in a smoke a cheap one."""

    scheme: str
    best: bool


@dataclass(frozen=True, kw_only=True)
class Trained:
    """`tflq.quantize`, a short training towards the float model's answers, `tflq.export`."""

    scheme: str


Way = Rounded | Exported | Trained


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of the paper.

    Attributes:
        title: its number and what it shows.
        networks: the rows, by their names in `paper_networks`.
        columns: how the file of a column is made.
        note: what a reader has to know besides.
    """

    title: str
    networks: tuple[str, ...]
    columns: dict[str, Way]
    note: str


_NINE = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v2_1_4",
    "nasnet_mobile",
    "inception_v3",
    "resnet_v1_50",
    "resnet_v1_152",
    "resnet_v2_50",
    "resnet_v2_152",
)
_SEVEN = (
    "resnet18",
    "resnet_v1_50",
    "mobilenet_v2",
    "inception_v3",
    "efficientnet_lite0",
    "deeplab_v3_mobilenet_v2",
    "efficientdet_d1",
)
_NINETEEN = (
    "mobilenet_v1",
    "mobilenet_v2",
    "resnet50_v1_5",
    "resnet152_v1_5",
    "inception_v3",
    "inception_v4",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "efficientnet_b0",
    "efficientnet_b3",
    "faster_rcnn",
    "mask_rcnn",
    "retinanet",
    "fcn",
    "deeplab_v3",
    "gnmt",
    "transformer",
    "jasper",
    "bert_large",
)

TABLES: dict[int, Table] = {
    1: Table(
        title="Table I: weights of 8 bits, activations in float",
        networks=_NINE,
        columns={
            "asymmetric, per tensor": Rounded(mode=Mode.ASYMMETRIC, per_channel=False),
            "symmetric, per channel": Rounded(mode=Mode.SYMMETRIC_RESTRICTED, per_channel=True),
            "asymmetric, per channel": Rounded(mode=Mode.ASYMMETRIC, per_channel=True),
        },
        note="Weights are rounded behind the folding of batch normalization, between their "
        "smallest and largest value, and run as float: no .tflite has asymmetric weights.",
    ),
    2: Table(
        title="Table II: weights and activations, without training",
        networks=_SEVEN,
        columns={
            name: Exported(scheme=name, best=True)
            for name in ("w8a8-per-tensor", "w4a8-per-tensor", "w8a8", "w4a8")
        },
        note="`tflq.export` with `recipe='best'`; rows of a smoke have `recipe='fast'`. Weights of "
        "4 bits run widened to int8, the first and last layers' have 8.",
    ),
    3: Table(
        title="Table III: weights of 8 bits per channel, activations in float",
        networks=_NINETEEN,
        columns={"w8": Exported(scheme="w8", best=False)},
        note="`tflq.export` with `scheme='w8'`. Published figures have each task's own measure.",
    ),
    4: Table(
        title="Table IV: weights and activations of 8 bits, with and without training",
        networks=_NINE,
        columns={
            "QAT": Trained(scheme="w8a8"),
            "PTQ": Exported(scheme="w8a8", best=True),
        },
        note="The networks are those of Table I. QAT is `tflq.quantize` with a short training "
        "towards the float model's answers on the samples that calibrate, without labels. PTQ is "
        "`recipe='best'`; in rows of a smoke it is `recipe='fast'`, and QAT has four steps.",
    ),
}
