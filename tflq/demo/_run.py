"""The demo: a real EfficientNet-Lite0 becomes int8 with every calibrator, side by side."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tflq._export import export
from tflq._fidelity import sqnr_db
from tflq._files import make_folder, write_whole
from tflq._float_model import FloatModel
from tflq._report import ExportReport
from tflq._source import import_tensorflow, open_model
from tflq._tables import decibels, megabytes, text_table, to_json
from tflq.data import ImageOptions
from tflq.demo._efficientnet_lite import load_efficientnet_lite
from tflq.demo._photos import labelled_photos
from tflq.demo._picture import draw_calibrators
from tflq.ranges import calibrators, get_calibrator
from tflq.tflite_side import Graph, Names, Runner, collect

_LAYER = "block02_add"
_ROUNDS = 30


@dataclass(frozen=True, kw_only=True)
class DemoRow:
    """One file of the demo.

    Attributes:
        name: "float" or the calibrator.
        top1: share of the photos whose label comes first.
        agreement: share of the photos whose first label is the float model's.
        sqnr_db: SQNR of the logits against the float file, in dB.
        size: bytes of the file.
        milliseconds: median latency of one inference, in ms, on one thread.
    """

    name: str
    top1: float
    agreement: float
    sqnr_db: float
    size: int
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """What `run_demo` made.

    Attributes:
        folder: where the files and the picture lie.
        photos: how many photos calibrated and judged.
        rows: the float file first, then one row a calibrator.
        report: the export with the default calibrator.
        picture: the PNG of one layer's histogram and ranges.
    """

    folder: str
    photos: int
    rows: tuple[DemoRow, ...]
    report: ExportReport
    picture: str

    def __str__(self) -> str:
        """Tables for the terminal."""
        base = self.rows[0]
        rows = [
            (
                row.name,
                f"{row.top1:.0%}",
                f"{row.agreement:.0%}",
                decibels(row.sqnr_db),
                f"{megabytes(row.size)} ({base.size / row.size:.1f}x)",
                f"{row.milliseconds:.1f} ms ({base.milliseconds / row.milliseconds:.2f}x)",
            )
            for row in self.rows
        ]
        columns = ("", "top-1", "agreement", "SQNR", "size", "latency, 1 thread")
        title = (
            f"EfficientNet-Lite0, w8a8, calibrated and judged on {self.photos} photos "
            f"(one of them is {100 / self.photos:.0f} points)"
        )
        table = text_table(title, columns, rows)
        return f"{self.report}\n\n{table}\n\nFiles and picture: {self.folder} ({self.picture})"

    def to_json(self) -> str:
        """The result as JSON."""
        return to_json(self)


def run_demo(folder: str) -> DemoResult:
    """Exports the pretrained EfficientNet-Lite0 with every calibrator and judges each file.

    Args:
        folder: made if need be; gets the float file, one int8 file a calibrator, and a picture.

    Raises:
        UserError: the extra `demo` is not installed, or the folder cannot be made.
    """
    target = make_folder(folder)
    photos = labelled_photos()
    labels = np.array([label for _, label in photos])
    import_tensorflow()
    model = load_efficientnet_lite(0)
    converted = open_model(model)
    prepare = ImageOptions(preset="efficientnet-lite").preparation(converted.inputs[0])
    images = np.stack([prepare(path, f"photo {path.name!r}") for path, _ in photos])
    floating = target / "float.tflite"
    write_whole(floating, converted.tflite)
    default = target / "int8_mse.tflite"
    report = export(model, default, data=images, verify_data=images)
    for name in calibrators():
        if name != "mse":
            path = target / f"int8_{name}.tflite"
            export(floating, path, data=images, calibrator=name, verify_data=images)
    files = {"float": floating, **{n: target / f"int8_{n}.tflite" for n in calibrators()}}
    _draw(converted, images, target / "calibrators.png")
    return DemoResult(
        folder=folder,
        photos=len(photos),
        rows=_judge({name: path.read_bytes() for name, path in files.items()}, images, labels),
        report=report,
        picture="calibrators.png",
    )


def _judge(
    files: Mapping[str, bytes], images: np.ndarray, labels: np.ndarray
) -> tuple[DemoRow, ...]:
    milliseconds = _latencies(files, images[:1])
    reference = _logits(files["float"], images)
    signal = float(np.sum(reference**2))
    rows = []
    for name, content in files.items():
        logits = _logits(content, images)
        rows.append(
            DemoRow(
                name=name,
                top1=float(np.mean(logits.argmax(1) == labels)),
                agreement=float(np.mean(logits.argmax(1) == reference.argmax(1))),
                sqnr_db=sqnr_db(signal, float(np.sum((reference - logits) ** 2))),
                size=len(content),
                milliseconds=milliseconds[name],
            )
        )
    return tuple(rows)


def _logits(content: bytes, images: np.ndarray) -> np.ndarray:
    runner = Runner(content)
    name = runner.inputs[0].name
    outputs = [runner.run({name: image[None]})[0] for image in images]
    return np.concatenate(outputs).astype(np.float64)


def _latencies(files: Mapping[str, bytes], image: np.ndarray) -> dict[str, float]:
    """Median ms of each file on one thread; rounds are interleaved, the first warms up."""
    runners = {name: Runner(content, threads=1) for name, content in files.items()}
    seconds: dict[str, list[float]] = {name: [] for name in files}
    for turn in range(_ROUNDS + 1):
        for name, runner in runners.items():
            start = time.perf_counter()
            runner.run({runner.inputs[0].name: image})
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(laps) for name, laps in seconds.items()}


def _draw(model: FloatModel, images: np.ndarray, path: Path) -> None:
    """One layer's histogram, and on it the range that each calibrator chooses."""
    graph = Graph.from_bytes(model.tflite)
    spec = model.inputs[0]
    batches = ({spec.name: image[None]} for image in images)
    histograms = collect(model.tflite, graph, batches, inputs=model.inputs)
    names = Names(graph, {}, model.layer_of)
    histogram = next(h for index, h in histograms.items() if names.label(index) == _LAYER)
    mass = histogram.mass.copy()
    for value, count in histogram.atoms:
        mass[np.searchsorted(histogram.edges[1:-1], value, side="right")] += count
    draw_calibrators(
        path,
        histogram_edges=histogram.edges,
        counts=mass,
        ranges={name: get_calibrator(name)(histogram, bits=8) for name in calibrators()},
        title=f"Activations of {_LAYER!r} in EfficientNet-Lite0",
    )
