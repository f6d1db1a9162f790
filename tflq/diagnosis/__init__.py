"""Where a quantized model loses, and what to try: the report's figures, rules and page."""

from tflq.diagnosis._advice import Advice, advise
from tflq.diagnosis._answers import Answers, compare_answers
from tflq.diagnosis._layers import LayerReport, layer_reports
from tflq.diagnosis._model_report import ModelReport
from tflq.diagnosis._ops import OpRow, map_ops
from tflq.diagnosis._page import check_extra, render
from tflq.diagnosis._setting import Setting, input_readers, widened_ops
from tflq.diagnosis._verdict import verdict

__all__ = [
    "Advice",
    "Answers",
    "LayerReport",
    "ModelReport",
    "OpRow",
    "Setting",
    "advise",
    "check_extra",
    "compare_answers",
    "input_readers",
    "layer_reports",
    "map_ops",
    "render",
    "verdict",
    "widened_ops",
]
