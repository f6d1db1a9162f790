"""Latency, memory and energy of .tflite files, on this machine and on phones."""

from tflq.bench._adb import choose_phones
from tflq.bench._job import BACKENDS
from tflq.bench._local import LOCAL, DeviceResult, Pace, Run, measure_here
from tflq.bench._model import Model, open_models
from tflq.bench._phones import Plan, measure_there
from tflq.bench._profile import profile_ops, time_ops
from tflq.bench._result import BenchmarkResult, Comparison, Energy, Measurement, OpTime
from tflq.bench._statistics import Latency, SpeedUp, speed_up, summarize

__all__ = [
    "BACKENDS",
    "LOCAL",
    "BenchmarkResult",
    "Comparison",
    "DeviceResult",
    "Energy",
    "Latency",
    "Measurement",
    "Model",
    "OpTime",
    "Pace",
    "Plan",
    "Run",
    "SpeedUp",
    "choose_phones",
    "measure_here",
    "measure_there",
    "open_models",
    "profile_ops",
    "speed_up",
    "summarize",
    "time_ops",
]
