"""Does what a stranger's file could crash or hang in processes that may die.

LiteRT, TensorFlow's quantizer and HDF5 are not Python and trust a file more than it deserves: a
damaged one can end the process that reads it.
"""

from tflq.apart._client import (
    CrashError,
    TimeLimitError,
    expect_quantizer,
    quantize,
    read_hdf5,
    try_model,
)
from tflq.apart._script import run_script

__all__ = [
    "CrashError",
    "TimeLimitError",
    "expect_quantizer",
    "quantize",
    "read_hdf5",
    "run_script",
    "try_model",
]
