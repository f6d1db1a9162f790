"""Accuracy of every calibrator on real networks and photos, beside the converter's own PTQ.

    python tools/accuracy.py --images FOLDER [--variants 0,1] [--json FILE]

FOLDER holds photos named NNN_*.jpg, NNN being the ImageNet class. Every tenth calibrates, the
others judge. Prints Markdown: top-1 of float and int8, agreement of their top-1, SQNR of the
logits. Agreement and SQNR are against the float .tflite.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from tflq import calibrators, export
from tflq._files import write_whole
from tflq._source import open_model
from tflq.data import PRESETS, image_folder
from tflq.demo import load_efficientnet_lite
from tflq.tflite_side import Runner

_IMAGES = flags.DEFINE_string("images", None, "folder of NNN_*.jpg", required=True)
_VARIANTS = flags.DEFINE_list("variants", ["0", "1"], "EfficientNet-Lite variants")
_JSON = flags.DEFINE_string("json", None, "also write the rows to this file")
_RECIPES = [
    *({"calibrator": name} for name in calibrators()),
    {"calibrator": "mse", "weight_calibrator": "mse"},
]


def _converter(model: Any, calibration: np.ndarray) -> bytes:
    """The TFLite converter's own full-integer PTQ, as its documentation has it."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    content: bytes = converter.convert()
    return content


def _logits(content: bytes, images: list[Path], preset: Any) -> np.ndarray:
    runner = Runner(content)
    (spec,) = runner.inputs
    return np.concatenate([runner.run({spec.name: preset(path)[None]})[0] for path in images])


def _row(name: str, logits: np.ndarray, reference: np.ndarray, labels: np.ndarray, s: float) -> Any:
    noise = float(np.sum((reference - logits) ** 2, dtype=np.float64))
    sqnr = 10 * np.log10(float(np.sum(reference**2, dtype=np.float64)) / noise) if noise else None
    return {
        "recipe": name,
        "top1": float(np.mean(logits.argmax(1) == labels)),
        "agreement": float(np.mean(logits.argmax(1) == reference.argmax(1))),
        "sqnr_db": sqnr,
        "seconds": s,
    }


def main(_: list[str]) -> None:
    """Prints one table a network."""
