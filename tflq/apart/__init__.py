"""Does what a stranger's file could crash or hang in processes that may die.

LiteRT and TensorFlow's quantizer are C++ and trust a model more than a file deserves: a damaged one
can end the process that reads it.
"""

from tflq.apart._client import CrashError, TimeLimitError, expect_quantizer, quantize, try_model
from tflq.apart._script import run_script

__all__ = [
    "CrashError",
    "TimeLimitError",
    "expect_quantizer",
    "quantize",
    "run_script",
    "try_model",
]
