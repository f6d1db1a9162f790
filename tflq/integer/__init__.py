"""The integers of a .tflite, computed in TensorFlow as LiteRT and XNNPACK compute them on a CPU.

A `Program` is a file's ops, each with its kernel from `_registry`: a function of an op's `Site`
(shapes, quantization, options) and of its inputs' values, one file a family. XNNPACK evaluates most
ops; where it refuses one, the kernel is that of LiteRT's own that runs instead. An op is added by
its function and a line of the registry.
"""

from tflq.integer._keras import IntegerSimulation, integer_simulation, simulation_of
from tflq.integer._parity import OpParity, Parity, parity
from tflq.integer._simulate import simulate

__all__ = [
    "IntegerSimulation",
    "OpParity",
    "Parity",
    "integer_simulation",
    "parity",
    "simulate",
    "simulation_of",
]
