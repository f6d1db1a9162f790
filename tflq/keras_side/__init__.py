"""The Keras side: loads Keras models and SavedModels and converts them to float .tflite."""

from tflq.keras_side._convert import from_keras, from_saved_model
from tflq.keras_side._kind import keras_kind
from tflq.keras_side._load import load_keras

__all__ = ["from_keras", "from_saved_model", "keras_kind", "load_keras"]
