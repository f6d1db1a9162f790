"""The integers of a .tflite, computed in TensorFlow as LiteRT computes them."""

from tflq.integer._keras import IntegerSimulation, integer_simulation, simulation_of
from tflq.integer._simulate import simulate

__all__ = ["IntegerSimulation", "integer_simulation", "simulate", "simulation_of"]
