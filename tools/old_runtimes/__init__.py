"""Runs .tflite files on runtimes older or smaller than LiteRT.

    from old_runtimes import RefusedError, run_old

    outputs = run_old(content, [codes], "tflite-runtime")

A file that asks for more than such a runtime has is to be refused by it, never computed wrongly.
"""

from old_runtimes.environment import RUNTIMES, unavailable
from old_runtimes.run import File, RefusedError, run_many, run_old

__all__ = ["RUNTIMES", "File", "RefusedError", "run_many", "run_old", "unavailable"]
