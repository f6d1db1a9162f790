"""tflq: from a trained Keras model to a verified int8 .tflite.

    import tflq

    report = tflq.export(model, "model.tflite", data=images)
    print(report)

Names are loaded when they are first used, so that `import tflq` stays light.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tflq._registration import register_with_keras

if TYPE_CHECKING:
    from tflq._benchmark import benchmark
    from tflq._compare import Comparison, compare
    from tflq._diagnose import report
    from tflq._errors import ConversionError, UserError
    from tflq._export import export
    from tflq._fold import fold
    from tflq._inspect import Inspection, inspect
    from tflq._integer_simulation import integer_simulation
    from tflq._report import ExportReport
    from tflq._search import search
    from tflq._sensitivity import Sensitivity, sensitivity
    from tflq.bench import BenchmarkResult
    from tflq.diagnosis import ModelReport
    from tflq.integer import parity, simulate
    from tflq.qat import QATSchedule, distill, quantize, register_layer
    from tflq.ranges import Histogram, calibrators, register_calibrator
    from tflq.scheme import Scheme, register_scheme, schemes
    from tflq.targets import TargetReport
    from tflq.trials import SearchResult

_HOMES = {
    "BenchmarkResult": "tflq.bench",
    "Comparison": "tflq._compare",
    "ConversionError": "tflq._errors",
    "ExportReport": "tflq._report",
    "Histogram": "tflq.ranges",
    "Inspection": "tflq._inspect",
    "ModelReport": "tflq.diagnosis",
    "QATSchedule": "tflq.qat",
    "Scheme": "tflq.scheme",
    "SearchResult": "tflq.trials",
    "Sensitivity": "tflq._sensitivity",
    "TargetReport": "tflq.targets",
    "UserError": "tflq._errors",
    "benchmark": "tflq._benchmark",
    "calibrators": "tflq.ranges",
    "compare": "tflq._compare",
    "distill": "tflq.qat",
    "export": "tflq._export",
    "fold": "tflq._fold",
    "inspect": "tflq._inspect",
    "integer_simulation": "tflq._integer_simulation",
    "parity": "tflq.integer",
    "quantize": "tflq.qat",
    "register_calibrator": "tflq.ranges",
    "register_layer": "tflq.qat",
    "register_scheme": "tflq.scheme",
    "report": "tflq._diagnose",
    "schemes": "tflq.scheme",
    "search": "tflq._search",
    "sensitivity": "tflq._sensitivity",
    "simulate": "tflq.integer",
}

__version__ = "0.1.0"

register_with_keras()

__all__ = [
    "BenchmarkResult",
    "Comparison",
    "ConversionError",
    "ExportReport",
    "Histogram",
    "Inspection",
    "ModelReport",
    "QATSchedule",
    "Scheme",
    "SearchResult",
    "Sensitivity",
    "TargetReport",
    "UserError",
    "benchmark",
    "calibrators",
    "compare",
    "distill",
    "export",
    "fold",
    "inspect",
    "integer_simulation",
    "parity",
    "quantize",
    "register_calibrator",
    "register_layer",
    "register_scheme",
    "report",
    "schemes",
    "search",
    "sensitivity",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tflq' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
