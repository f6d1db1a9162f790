"""Ranges to start training from, by the calibrators that exports use."""

from collections.abc import Collection
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tflq._errors import UserError
from tflq._progress import track
from tflq.data import samples
from tflq.keras_side import read_signature
from tflq.qat._activation import FakeQuant
from tflq.qat._phase import quantization
from tflq.ranges import Histogram, NotFiniteError, get_calibrator

_NEVER_CLIP = "minmax"


def set_starting_ranges(model: Any, data: Any, *, calibrator: str, doors: Collection[str]) -> None:
    """Sets the range of every `FakeQuant` from what the model computes without quantization.

    Args:
        model: the quantized model.
        data: samples, as `tflq.export` takes them.
        calibrator: name of the calibrator.
        doors: names of the quantizers that must not clip.

    Raises:
        UserError: the calibrator is unknown, the data does not fit the model, or what a
            layer gives is not finite.
    """
    choose = get_calibrator(calibrator)
    quantizers = [
        layer for layer in model.layers if isinstance(layer, FakeQuant) and layer.fixed is None
    ]
    before = [[node.input_tensors[0] for node in layer._inbound_nodes] for layer in quantizers]
    probe = keras.Model(model.inputs, before)
    signature = read_signature(model, None)
    found = [Histogram() for _ in quantizers]
    with quantization(model, on=False):
        run = tf.function(lambda values: probe(list(values), training=False), reduce_retracing=True)
        stream = samples(data, signature.inputs)
        tracked = track(stream, description="calibrating", total=stream.total)
        for index, sample in enumerate(tracked):
            values = run([tf.constant(sample[spec.name]) for spec in signature.inputs])
            for layer, histogram, sites in zip(quantizers, found, values, strict=True):
                for value in sites:
                    _update(histogram, layer, value, index)
    for layer, histogram in zip(quantizers, found, strict=True):
        # Softmax magnifies errors of the largest scores, and what hides masked ones lies far off.
        whole = layer.name in doors or layer.told in ("scores", "masked")
        chosen = get_calibrator(_NEVER_CLIP) if whole else choose
        layer.set_range(*chosen(histogram, bits=layer.bits))


def _update(histogram: Histogram, layer: FakeQuant, value: Any, sample: int) -> None:
    try:
        histogram.update(np.asarray(layer.visible(value), np.float32))
    except NotFiniteError as error:
        before = layer._inbound_nodes[0].input_tensors[0]._keras_history.operation.name
        raise UserError(
            f"activation {before!r} of sample {sample} is not finite ({error}); check the model's "
            "weights and the preprocessing of the data."
        ) from error
