"""How a cell of the paper's tables is measured."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from paper_rows import Exported, Rounded, Trained, Way
from paper_subjects import Sample, Subject
from widened import widened

import tflq
from tflq._fidelity import FidelityMeter, OutputFidelity
from tflq.affine import Mode, parameters
from tflq.scheme import get_scheme
from tflq.tflite_side import Graph, normalize, with_constants
from tflq.tflite_side._weights import SLOTS, weighted_ops, weights_of

_BITS = 8
# Samples of those that calibrate that an export is verified with.
_VERIFYING = 20
# The training: small steps of bounded length, which neither trained weights nor random ones, whose
# gradients may be of any size, are thrown off by.
_RATE, _MOMENTUM, _CLIP, _BATCH, _EPOCHS = 1e-3, 0.9, 1.0, 10, 5
_SMOKE_BATCH, _SMOKE_EPOCHS = 4, 2


def measure(subject: Subject, way: Way) -> dict[str, Any]:
    """Makes the file of a cell and compares it with the float file.

    Returns:
        Of several outputs, the lowest SQNR and agreement; agreement is None where no output has
        several values along its last axis. With labels, top-1 of both files.
    """
    start = time.perf_counter()
    content = widened(make(subject, way))
    meters = [FidelityMeter(name) for name in subject.source.outputs]
    right = []
    for index, (wanted, came) in enumerate(
        zip(subject.wanted, subject.outputs(content), strict=True)
    ):
        for meter, reference, candidate in zip(meters, wanted, came, strict=True):
            meter.update(index, reference, candidate)
        right.append([int(np.argmax(wanted[0])), int(np.argmax(came[0]))])
    row = _summary([meter.result() for meter in meters])
    if subject.labels is not None:
        hits = np.array(right) == subject.labels[:, None]
        row["float_top1"], row["top1"] = (float(share) for share in hits.mean(0))
    row["calibrating"], row["judging"] = len(subject.calibration), len(subject.judging)
    return row | {"seconds": round(time.perf_counter() - start, 2)}


def make(subject: Subject, way: Way) -> bytes:
    """The .tflite of a column."""
    if isinstance(way, Rounded):
        return round_weights(subject.source.tflite, way)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        if isinstance(way, Trained):
            tflq.export(_trained(subject, way), path)
        else:
            _export(subject, way, path)
        return path.read_bytes()


def round_weights(content: bytes, way: Rounded) -> bytes:
    """A float .tflite whose weights went through 8 bits, scaled by their extremes."""
    plain = normalize(content, name="the float file")
    return with_constants(plain.content, rounded_constants(plain.graph, way))


def rounded_constants(graph: Graph, way: Rounded) -> Mapping[int, np.ndarray]:
    """The rounded weights of a float graph, by tensor index."""
    return {
        weights_of(graph, op): rounded(
            graph.constant(weights_of(graph, op)),
            axis=SLOTS[op.kind].channel_axis,
            mode=way.mode,
            per_channel=way.per_channel,
        )
        for op in weighted_ops(graph)
    }


def rounded(weights: np.ndarray, *, axis: int, mode: Mode, per_channel: bool) -> np.ndarray:
    """What weights are after quantizing to 8 bits and dequantizing (Krishnamoorthi 2018, 3.1).

    Args:
        weights: of one layer.
        axis: of its output channels.
        mode: asymmetric between the smallest and the largest weight, or symmetric up to the
            largest magnitude.
        per_channel: a scale an output channel, else one for all.
    """
    over = tuple(a for a in range(weights.ndim) if a != axis) if per_channel else None
    low, high = weights.min(axis=over), weights.max(axis=over)
    return parameters(low, high, bits=_BITS, mode=mode, axis=axis).fake_quant(weights)


def _export(subject: Subject, way: Exported, path: Path) -> None:
    recipe = None
    if way.best:
        recipe = "best" if subject.setting.full else "fast"
    tflq.export(
        subject.model,
        path,
        data=subject.calibration if get_scheme(way.scheme).needs_data else None,
        scheme=way.scheme,
        recipe=recipe,
        verify_data=subject.calibration[:_VERIFYING],
    )


def _trained(subject: Subject, way: Trained) -> Any:
    """A quantized copy, trained towards the float model's answers."""
    import keras

    keras.utils.set_random_seed(0)
    qat = tflq.quantize(subject.model, scheme=way.scheme, data=subject.calibration)
    student = tflq.distill(qat, subject.model, weight=1.0)
    full = subject.setting.full
    # Tracing a training step takes a hundred times longer than the few steps of a smoke.
    student.compile(
        keras.optimizers.SGD(_RATE, momentum=_MOMENTUM, global_clipnorm=_CLIP),
        jit_compile=False,
        run_eagerly=not full,
    )
    inputs = _stacked(subject.calibration)
    student.fit(
        inputs if len(inputs) > 1 else next(iter(inputs.values())),
        # Labels, which a teacher's whole weight leaves unread.
        np.zeros(len(subject.calibration)),
        batch_size=_BATCH if full else _SMOKE_BATCH,
        epochs=_EPOCHS if full else _SMOKE_EPOCHS,
        # Statistics of a few samples are worth less than the float model's.
        callbacks=[tflq.QATSchedule(freeze_norms_at=0)],
        verbose=0,
    )
    return qat


def _stacked(samples: list[Sample]) -> Sample:
    return {name: np.concatenate([sample[name] for sample in samples]) for name in samples[0]}


def _summary(outputs: list[OutputFidelity]) -> dict[str, Any]:
    agreements = [o.top1_agreement for o in outputs if o.top1_agreement is not None]
    return {
        "sqnr_db": min(output.sqnr_db for output in outputs),
        "agreement": min(agreements, default=None),
    }
