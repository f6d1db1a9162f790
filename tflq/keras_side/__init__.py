"""The Keras side: loads, converts and rewrites Keras models."""

from tflq.keras_side._convert import from_keras, from_saved_model
from tflq.keras_side._equalize import Equalization
from tflq.keras_side._fold import Folding
from tflq.keras_side._kind import keras_kind
from tflq.keras_side._load import load_keras
from tflq.keras_side._moments import Expectations
from tflq.keras_side._rewrite import Rewriting
from tflq.keras_side._signature import read_signature

__all__ = [
    "Equalization",
    "Expectations",
    "Folding",
    "Rewriting",
    "from_keras",
    "from_saved_model",
    "keras_kind",
    "load_keras",
    "read_signature",
]
