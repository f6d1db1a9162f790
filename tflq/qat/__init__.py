"""Quantization-aware training: Keras models that compute as their files will."""

from tflq.qat._activation import FakeQuant
from tflq.qat._attention import AttentionCore
from tflq.qat._deploy import Deployment, deploy
from tflq.qat._distill import Distiller, distill
from tflq.qat._kernel import QuantizedKernel
from tflq.qat._mask import Unmasked
from tflq.qat._phase import FINAL, Phase, is_quantized, set_phase
from tflq.qat._quantize import quantize
from tflq.qat._rules import register_layer
from tflq.qat._schedule import QATSchedule
from tflq.qat._weights_layer import QuantizedWeights

__all__ = [
    "AttentionCore",
    "Deployment",
    "Distiller",
    "FINAL",
    "FakeQuant",
    "Phase",
    "QATSchedule",
    "QuantizedKernel",
    "QuantizedWeights",
    "Unmasked",
    "deploy",
    "distill",
    "is_quantized",
    "quantize",
    "register_layer",
    "set_phase",
]
