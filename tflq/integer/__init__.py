"""The integers of a .tflite, computed in TensorFlow as LiteRT computes them."""

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
