"""The Keras side: loads, converts and rewrites Keras models."""

from tflq.keras_side._activations import Shape, activation_name, activation_of
from tflq.keras_side._build import build_model
from tflq.keras_side._config import live_config
from tflq.keras_side._convert import from_keras, keras_reference
from tflq.keras_side._equalize import Equalization
from tflq.keras_side._finite import refuse_infinite
from tflq.keras_side._fold import Folding, convolution_behind
from tflq.keras_side._graph import KerasGraph, Layer, Node, read_graph, single_argument
from tflq.keras_side._kernels import has_kernel
from tflq.keras_side._kind import keras_kind
from tflq.keras_side._load import load_keras
from tflq.keras_side._moments import Expectations
from tflq.keras_side._nodes import ModelNode, is_functional
from tflq.keras_side._precision import (
    computes_in_half,
    float32_config,
    in_float32,
    refuse_quantized,
)
from tflq.keras_side._rewrite import Rewriting
from tflq.keras_side._saved_model import from_saved_model
from tflq.keras_side._separable import split_separables
from tflq.keras_side._signature import read_signature

__all__ = [
    "Equalization",
    "Expectations",
    "Folding",
    "KerasGraph",
    "Layer",
    "ModelNode",
    "Node",
    "Rewriting",
    "Shape",
    "activation_name",
    "activation_of",
    "build_model",
    "computes_in_half",
    "convolution_behind",
    "float32_config",
    "from_keras",
    "from_saved_model",
    "has_kernel",
    "in_float32",
    "is_functional",
    "keras_kind",
    "keras_reference",
    "live_config",
    "load_keras",
    "read_graph",
    "read_signature",
    "refuse_infinite",
    "refuse_quantized",
    "single_argument",
    "split_separables",
]
